#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>

#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel {

namespace {

bool are_numbers(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != std::to_string(i)) {
      return false;
    }
  }
  return true;
}

[[noreturn]] void refuse(const DataSet& data, Label label, const std::vector<std::string>& class_names) {
  constexpr std::size_t kShown = 12;
  const auto shown = std::span(class_names).first(std::min(kShown, class_names.size()));
  throw Error(
      ErrorKind::kData, data.location.string(),
      fmt::format("class \"{}\" is not one of the model's", data.class_names[label]),
      {{"model", fmt::format("{}{}", fmt::join(shown, ", "), shown.size() < class_names.size() ? ", ..." : "")}},
      "a data set of the classes that the model was trained on");
}

}  // namespace

DataSet with_classes(DataSet data, const std::vector<std::string>& class_names) {
  if (data.class_names == class_names || are_numbers(data.class_names) || are_numbers(class_names)) {
    return data;
  }
  std::vector<std::optional<Label>> meaning;
  for (const std::string& name : data.class_names) {
    const auto found = std::find(class_names.begin(), class_names.end(), name);
    meaning.push_back(found == class_names.end() ? std::nullopt
                                                 : std::optional(static_cast<Label>(found - class_names.begin())));
  }
  for (LabeledPictures* part : {&data.train, &data.test}) {
    for (Label& label : part->labels) {
      if (!meaning[label]) {
        refuse(data, label, class_names);
      }
      label = *meaning[label];
    }
  }
  data.class_names = class_names;
  return data;
}

}  // namespace lapel
