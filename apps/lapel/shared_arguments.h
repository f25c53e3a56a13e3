#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel::app {

/// A data set as it was delivered, nothing held out, with changes of [data] by `key=value`; progress is drawn.
[[nodiscard]] DataSet load_delivered(const std::string& place, const std::vector<std::string>& changes, Output& output);

/// Throws Error (kIo) for a pipe that nobody reads: opening it would wait for ever.
void refuse_unread_pipe(const std::string& file);

/// load_data, with a line of progress while picture files are read.
[[nodiscard]] DataSet load_with_progress(const DataSpec& spec, DataPart wanted, const std::stop_token& stop,
                                         Output& output);

/// Pictures that a model is to be measured on, and what they are.
struct ChosenPart {
  DataSet data;  ///< Without the pictures of other parts.
  LabeledPictures pictures;
  std::string split;  ///< `train`, `validation`, `test` or `all`
  std::string words;  ///< `test part of photos, 15% of each class, held out of the training`
};

/// The part `split` of the data set at `place`, read as the model takes it; if `place` is empty, of the one it was
/// trained on, divided as then. Other data are measured as they are: nothing is held out of them. An empty `split` is
/// the test part, and of other data that have none everything. Throws Error (kData) where the part has no pictures.
[[nodiscard]] ChosenPart choose_part(const Classifier& classifier, const std::string& place, const std::string& split,
                                     Output& output);

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
/// `--set`, where only [data] can be changed.
[[nodiscard]] Argument set_data_argument(std::vector<std::string>* target);
[[nodiscard]] Argument other_data_argument(std::string* target);
[[nodiscard]] Argument run_argument(std::string* target);
[[nodiscard]] Argument data_argument(std::string* target);
[[nodiscard]] Argument split_argument(std::string* target);
[[nodiscard]] Argument precision_argument(std::string* target);
[[nodiscard]] Argument json_argument(bool* target);

}  // namespace lapel::app
