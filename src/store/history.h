#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/callback.h"

namespace lapel::store {

/// The text of `history.csv`: `epoch,accuracy,loss,val_accuracy,val_loss,learning_rate,seconds`; empty cells where
/// there is no validation.
[[nodiscard]] std::string history_csv(std::span<const EpochResult> history, std::string_view separator = ",");

/// Both, where the epochs of `current` are counted on from those of `earlier`.
[[nodiscard]] std::vector<EpochResult> continued(const std::vector<EpochResult>& earlier,
                                                 std::span<const EpochResult> current);

}  // namespace lapel::store
