#pragma once

#include <string>
#include <string_view>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/data.h"

namespace lapel::app {

/// The part `test` or `train` of a data set. Throws Error (kData) where it has no pictures.
[[nodiscard]] const LabeledPictures& split_of(const DataSet& data, const std::string& split);

/// The data set at `place`, read as the model takes it; if `place` is empty, the one it was trained on.
[[nodiscard]] DataSet load_data_for(const Classifier& classifier, const std::string& place);

/// The forms of a data set, for the help of an argument that takes one.
inline constexpr std::string_view kDataHelp =
    "fashion-mnist, a folder with the four IDX files, a CSV file or a folder of them, or a folder of pictures";

/// The arguments that several commands share.
[[nodiscard]] Argument run_argument(std::string* target);
[[nodiscard]] Argument data_argument(std::string* target);
[[nodiscard]] Argument split_argument(std::string* target);
[[nodiscard]] Argument json_argument(bool* target);

}  // namespace lapel::app
