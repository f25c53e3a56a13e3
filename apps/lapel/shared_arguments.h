#pragma once

#include <string>

#include "command.h"
#include "lapel/data.h"

namespace lapel::app {

/// The part `test` or `train` of a data set. Throws Error (kData) where it has no pictures.
[[nodiscard]] const LabeledPictures& split_of(const DataSet& data, const std::string& split);

/// The arguments that several commands share.
[[nodiscard]] Argument run_argument(std::string* target);
[[nodiscard]] Argument data_argument(std::string* target);
[[nodiscard]] Argument split_argument(std::string* target);
[[nodiscard]] Argument json_argument(bool* target);

}  // namespace lapel::app
