#pragma once

#include "train/callbacks/callback_type.h"

/// One function for each kind of callback, called once by callback_table.cpp.
namespace lapel::training {

[[nodiscard]] CallbackType early_stopping_type();
[[nodiscard]] CallbackType model_checkpoint_type();
[[nodiscard]] CallbackType reduce_lr_on_plateau_type();
[[nodiscard]] CallbackType csv_logger_type();
[[nodiscard]] CallbackType terminate_on_nan_type();
[[nodiscard]] CallbackType tensor_board_type();

}  // namespace lapel::training
