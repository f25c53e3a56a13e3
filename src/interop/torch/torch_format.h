#pragma once

#include "interop/format.h"

namespace lapel::interop {

/// The line of the list of formats for a folder with `model.py` and its weights.
[[nodiscard]] Format torch_format();
/// That for the weights alone, a state dict.
[[nodiscard]] Format state_dict_format();

}  // namespace lapel::interop
