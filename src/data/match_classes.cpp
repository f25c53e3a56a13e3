#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "data/check.h"
#include "data/class_names.h"
#include "formats/utf8.h"
#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel {

namespace {

using Names = std::vector<std::string>;

/// The model's class that each class of the data is; nothing for those that it lacks.
using Meaning = std::vector<std::optional<Label>>;

std::string listed(const Names& names) {
  constexpr std::size_t kShown = 12;
  const auto shown = std::span(names).first(std::min(kShown, names.size()));
  return fmt::format("{}{}", fmt::join(shown, ", "), shown.size() < names.size() ? ", ..." : "");
}

[[noreturn]] void refuse(const DataSet& data, const Names& class_names, std::string problem, std::string hint) {
  throw Error(ErrorKind::kData, data.location.string(), std::move(problem),
              {{"model", listed(class_names)}, {"data", listed(data.class_names)}}, std::move(hint));
}

std::optional<Label> place_of(const Names& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<Label>(found - names.begin()));
}

Names composed(Names names) {
  for (std::string& name : names) {
    name = formats::composed(name);
  }
  return names;
}

/// Whether every class that a picture has is one of the model's.
bool is_whole(const Meaning& meaning, const std::set<Label>& present) {
  return std::all_of(present.begin(), present.end(), [&](Label label) { return meaning[label].has_value(); });
}

Meaning by_name(const Names& from, const Names& to) {
  Meaning meaning;
  for (const std::string& name : from) {
    meaning.push_back(place_of(to, name));
  }
  return meaning;
}

/// Names that are numbers, however they are written: `01` is `1`.
Meaning by_value(const Names& from, const Names& to) {
  Meaning meaning;
  for (const std::string& name : from) {
    const auto found = std::find_if(to.begin(), to.end(), [&](const std::string& other) {
      return data::number_of(name).has_value() && data::number_of(name) == data::number_of(other);
    });
    meaning.push_back(found == to.end() ? std::nullopt : std::optional(static_cast<Label>(found - to.begin())));
  }
  return meaning;
}

/// The numbers that the data's labels are, as names: where they are known.
std::optional<Names> numbers_of(const DataSet& data) {
  if (data::are_numbers(data.class_names)) {
    return data.class_names;
  }
  if (!data.numbered_classes) {
    return std::nullopt;
  }
  Names numbers;
  for (std::size_t i = 0; i < data.class_names.size(); ++i) {
    numbers.push_back(std::to_string(i));
  }
  return numbers;
}

/// Where one side has names and the other numbers: the number that a label is, counted among the model's classes.
Meaning by_number(DataSet& data, const Names& class_names, const std::set<Label>& present) {
  const auto numbers = numbers_of(data);
  if (!numbers) {
    refuse(data, class_names, "the classes of the data have names, those of the model are numbers",
           "folders that are named for the model's numbers, or a class_names.txt beside the data");
  }
  Names counted;
  for (std::size_t i = 0; i < class_names.size(); ++i) {
    counted.push_back(std::to_string(i));
  }
  const Meaning meaning = by_value(*numbers, data::are_numbers(class_names) ? class_names : counted);
  if (!is_whole(meaning, present)) {
    refuse(data, class_names, "a class of the data is a number that no class of the model has",
           "a data set of the classes that the model was trained on");
  }
  Finding finding{FindingKind::kTaken,
                  "classes matched by number, as one side has no names",
                  static_cast<std::int64_t>(present.size()),
                  {}};
  for (const Label label : present) {
    if (finding.examples.size() < kMostExamples) {
      finding.examples.push_back(
          fmt::format("{} is taken for {}", data.class_names[label], class_names[*meaning[label]]));
    }
  }
  data.findings.push_back(std::move(finding));
  return meaning;
}

Meaning meaning_of(DataSet& data, const Names& class_names, const std::set<Label>& present) {
  const Names theirs = composed(data.class_names);
  const Names ours = composed(class_names);
  Meaning meaning = by_name(theirs, ours);
  if (is_whole(meaning, present)) {
    return meaning;
  }
  const bool their_numbers = data::are_numbers(theirs);
  const bool our_numbers = data::are_numbers(ours);
  if (their_numbers && our_numbers) {
    meaning = by_value(theirs, ours);
    if (is_whole(meaning, present)) {
      return meaning;
    }
  } else if (their_numbers || our_numbers) {
    return by_number(data, class_names, present);
  }
  const auto missing =
      std::find_if(present.begin(), present.end(), [&](Label label) { return !meaning[label].has_value(); });
  refuse(data, class_names, fmt::format("class \"{}\" is not one of the model's", data.class_names[*missing]),
         "a data set of the classes that the model was trained on");
}

}  // namespace

DataSet with_classes(DataSet data, const std::vector<std::string>& class_names) {
  data::check_labels(data);
  if (data.class_names == class_names) {
    return data;
  }
  std::set<Label> present;
  for (const LabeledPictures* part : {&data.train, &data.validation, &data.test}) {
    present.insert(part->labels.begin(), part->labels.end());
  }
  const Meaning meaning = meaning_of(data, class_names, present);
  for (LabeledPictures* part : {&data.train, &data.validation, &data.test}) {
    for (Label& label : part->labels) {
      label = *meaning[label];
    }
  }
  data.class_names = class_names;
  return data;
}

}  // namespace lapel
