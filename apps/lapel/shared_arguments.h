#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel::app {

/// The part `test` or `train` of a data set. Throws Error (kData) where it has no pictures.
[[nodiscard]] const LabeledPictures& split_of(const DataSet& data, const std::string& split);

/// The data set at `place`, read as the model takes it, with the part `test` or `train` alone; if `place` is empty, the
/// one it was trained on.
[[nodiscard]] DataSet load_split_for(const Classifier& classifier, const std::string& place, const std::string& split);

/// The forms of a data set, for the help of an argument that takes one.
inline constexpr std::string_view kDataHelp =
    "fashion-mnist, a folder with the four IDX files, a CSV file or a folder of them, or a folder of pictures";

/// The recipe in the file `name`, or shipped under it, with `key=value` changes, and another source of data where
/// `data` is not empty.
[[nodiscard]] Recipe recipe_with(const std::string& name, const std::vector<std::string>& changes,
                                 const std::string& data);

/// The arguments that several commands share.
[[nodiscard]] Argument recipe_argument(std::string* target, const std::string& help_end);
[[nodiscard]] Argument set_argument(std::vector<std::string>* target);
[[nodiscard]] Argument other_data_argument(std::string* target);
[[nodiscard]] Argument run_argument(std::string* target);
[[nodiscard]] Argument data_argument(std::string* target);
[[nodiscard]] Argument split_argument(std::string* target);
[[nodiscard]] Argument precision_argument(std::string* target);
[[nodiscard]] Argument json_argument(bool* target);

}  // namespace lapel::app
