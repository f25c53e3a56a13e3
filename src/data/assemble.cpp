#include "data/assemble.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "data/class_names.h"
#include "data/known.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

/// The known data set with these labels, or null.
const KnownData* recognise_labels(std::span<const Label> labels) {
  std::vector<std::uint8_t> bytes;
  for (const Label label : labels) {
    if (label > 255) {
      return nullptr;
    }
    bytes.push_back(static_cast<std::uint8_t>(label));
  }
  return recognise(bytes);
}

/// The parts that have labels, training first.
std::vector<NamedPart*> labelled(NamedParts& parts) {
  std::vector<NamedPart*> result;
  for (NamedPart* part : {&parts.train, &parts.validation, &parts.test}) {
    if (!part->content.labels.empty()) {
      result.push_back(part);
    }
  }
  return result;
}

/// Where a label is, for messages.
std::string place_of(const NamedPart& part, std::size_t index) {
  const bool lines = part.first_line > 0;
  return lines ? fmt::format("{}:{}", part.labels, part.first_line + static_cast<std::int64_t>(index)) : part.labels;
}

[[noreturn]] void refuse_label(const NamedPart& part, std::size_t index, std::size_t classes,
                               const std::string& names_from) {
  throw Error(ErrorKind::kData, place_of(part, index),
              fmt::format("label {}{} is beyond the {} classes, 0 to {}", part.content.labels[index],
                          part.first_line > 0 ? "" : fmt::format(" at index {}", index), classes, classes - 1),
              {{"class names", names_from}}, fmt::format("a {} with a line for every class", kNamesFile));
}

void check_labels(const NamedPart& part, std::size_t classes, const std::string& names_from) {
  const auto& labels = part.content.labels;
  const auto beyond = std::find_if(labels.begin(), labels.end(), [&](Label label) { return label >= classes; });
  if (beyond != labels.end()) {
    refuse_label(part, static_cast<std::size_t>(beyond - labels.begin()), classes, names_from);
  }
}

void check_sizes(const std::filesystem::path& location, const Pictures& other, const Pictures& train,
                 std::string_view name) {
  const bool same = other.height == train.height && other.width == train.width && other.channels == train.channels;
  if (other.count > 0 && train.count > 0 && !same) {
    const auto size = [&](const Pictures& pictures) {
      return other.channels == train.channels
                 ? fmt::format("{} x {}", pictures.height, pictures.width)
                 : fmt::format("{} x {} x {}", pictures.height, pictures.width, pictures.channels);
    };
    throw Error(ErrorKind::kData, location.string(),
                fmt::format("the {} pictures are {}, the training pictures {}", name, size(other), size(train)), {},
                "two parts of the same data set");
  }
}

/// Gives every label the place of its word among `names`. Throws Error (kData) for a word that is not there, and where
/// one part has words and another numbers.
void take_words(NamedPart& part, const std::vector<std::string>& names, const std::string& names_from) {
  if (part.words.empty()) {
    throw Error(ErrorKind::kData, part.labels, "has numbers as labels, the other part words", {},
                "the same labels in both");
  }
  std::map<std::string_view, Label> places;
  for (std::size_t i = 0; i < names.size(); ++i) {
    places.emplace(names[i], static_cast<Label>(i));
  }
  std::vector<std::optional<Label>> meaning;
  for (const std::string& word : part.words) {
    const auto found = places.find(canonical_name(word, part.labels));
    meaning.push_back(found == places.end() ? std::nullopt : std::optional(found->second));
  }
  for (std::size_t i = 0; i < part.content.labels.size(); ++i) {
    Label& label = part.content.labels[i];
    if (!meaning[label]) {
      throw Error(ErrorKind::kData, place_of(part, i),
                  fmt::format("the label \"{}\" is not a class of this data set", readable(part.words[label])),
                  {{"classes", names_from}}, fmt::format("the classes of the training pictures, or of {}", kNamesFile));
    }
    label = *meaning[label];
  }
}

std::vector<std::string> names_of_words(const NamedPart& part) {
  std::set<std::string> names;
  for (const std::string& word : part.words) {
    names.insert(canonical_name(word, part.labels));
  }
  return {names.begin(), names.end()};
}

/// Classes of the numbers that occur among the labels of `first`, and labels that count in them. Where none between 0
/// and the largest is missing, nothing changes.
std::vector<std::string> take_numbers(const NamedPart& first, const std::vector<NamedPart*>& parts,
                                      Findings& findings) {
  const std::set<Label> present(first.content.labels.begin(), first.content.labels.end());
  const std::vector<Label> numbers(present.begin(), present.end());
  std::vector<std::string> names;
  for (const Label number : numbers) {
    names.push_back(std::to_string(number));
  }
  const bool whole = numbers.back() + std::size_t{1} == numbers.size();
  if (whole) {
    for (const NamedPart* part : parts) {
      check_labels(*part, names.size(), "the training labels");
    }
    return names;
  }
  for (NamedPart* part : parts) {
    for (std::size_t i = 0; i < part->content.labels.size(); ++i) {
      Label& label = part->content.labels[i];
      const auto found = std::lower_bound(numbers.begin(), numbers.end(), label);
      if (found == numbers.end() || *found != label) {
        throw Error(ErrorKind::kData, place_of(*part, i),
                    fmt::format("label {}{} has no training picture", label,
                                part->first_line > 0 ? "" : fmt::format(" at index {}", i)),
                    {{"training labels", fmt::format("{}", fmt::join(names, ", "))}},
                    fmt::format("a {} with a line for every class", kNamesFile));
      }
      label = static_cast<Label>(found - numbers.begin());
    }
  }
  std::vector<std::string> missing;
  for (std::size_t number = 0; number < numbers.back() && missing.size() < kMostExamples; ++number) {
    if (!present.contains(static_cast<Label>(number))) {
      missing.push_back(std::to_string(number));
    }
  }
  const std::size_t without = numbers.back() + std::size_t{1} - numbers.size();
  findings.push_back({FindingKind::kLeftOut,
                      fmt::format("numbers from 0 to {} that no label is, and which are no classes", numbers.back()),
                      static_cast<std::int64_t>(without), missing});
  return names;
}

}  // namespace

DataSet assemble(const std::filesystem::path& location, const std::filesystem::path& folder, NamedParts parts) {
  check_sizes(location, parts.test.content.pictures, parts.train.content.pictures, "test");
  check_sizes(location, parts.validation.content.pictures, parts.train.content.pictures, "validation");
  const std::vector<NamedPart*> all = labelled(parts);
  DataSet data;
  data.location = location;
  if (all.empty()) {
    return data;
  }
  const bool words = !all.front()->words.empty();
  const KnownData* known = words ? nullptr : recognise_labels(parts.train.content.labels);
  std::string names_from = kNamesFile;
  std::error_code ignored;
  const bool named = std::filesystem::exists(folder / kNamesFile, ignored);
  if (named) {
    data.class_names = read_class_names(folder / kNamesFile);
  } else if (known != nullptr) {
    data.class_names.assign(known->class_names.begin(), known->class_names.end());
    names_from = fmt::format("those of {}", known->name);
  } else if (words) {
    data.class_names = names_of_words(*all.front());
    names_from = "the training labels";
  } else {
    data.class_names = take_numbers(*all.front(), all, data.findings);
  }
  data.numbered_classes = !words;
  for (NamedPart* part : all) {
    if (words) {
      take_words(*part, data.class_names, names_from);
    } else if (!part->words.empty()) {
      throw Error(ErrorKind::kData, part->labels, "has words as labels, the other part numbers", {},
                  "the same labels in both");
    } else if (named || known != nullptr) {
      check_labels(*part, data.class_names.size(), names_from);
    }
  }
  data.name = name_of(location, parts.train.content.labels, data.class_names);
  data.train = std::move(parts.train.content);
  data.validation = std::move(parts.validation.content);
  data.test = std::move(parts.test.content);
  return data;
}

std::string name_of(const std::filesystem::path& location, std::span<const Label> train_labels,
                    const std::vector<std::string>& class_names) {
  const KnownData* known = recognise_labels(train_labels);
  const bool same = known != nullptr && std::equal(class_names.begin(), class_names.end(), known->class_names.begin(),
                                                   known->class_names.end());
  return same ? std::string(known->name) : location.filename().string();
}

void add_warnings(DataSet& data) {
  constexpr int kFewValues = 16;
  const auto& pixels = data.train.pictures.pixels;
  std::uint8_t least = 255;
  std::uint8_t most = 0;
  for (std::size_t i = 0; i < pixels.size() && most - least < kFewValues; ++i) {
    least = std::min(least, pixels[i]);
    most = std::max(most, pixels[i]);
  }
  if (!pixels.empty() && most - least < kFewValues) {
    add_remark(
        data.findings, FindingKind::kWarning,
        fmt::format("the training pictures show nearly nothing: their pixels are {} to {}, of 0 to 255", least, most));
  }
  std::vector<char> present(data.class_names.size(), 0);
  for (const Label label : data.train.labels) {
    present.at(label) = 1;
  }
  for (std::size_t i = 0; i < present.size() && !data.train.labels.empty(); ++i) {
    if (present[i] == 0) {
      add_finding(data.findings, FindingKind::kWarning, "classes without a training picture", data.class_names[i]);
    }
  }
}

std::vector<bool> stratified_choice(std::span<const Label> labels, std::size_t classes, double fraction,
                                    std::uint64_t seed, std::uint32_t purpose) {
  std::vector<bool> chosen(labels.size(), false);
  for (std::size_t label = 0; label < classes; ++label) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == label) {
        members.push_back(i);
      }
    }
    const RandomStream random{seed, RandomPurpose::kSplit, purpose, 0, static_cast<std::uint32_t>(label)};
    const auto count = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(members.size())));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t other = i + random.below(i, static_cast<std::uint32_t>(members.size() - i));
      std::swap(members[i], members[other]);
      chosen[members[i]] = true;
    }
  }
  return chosen;
}

LabeledPictures chosen_samples(const LabeledPictures& part, const std::vector<bool>& chosen, bool wanted) {
  LabeledPictures result;
  const Pictures& from = part.pictures;
  result.pictures = {0, from.height, from.width, from.channels, {}};
  const auto count = static_cast<std::size_t>(std::count(chosen.begin(), chosen.end(), wanted));
  result.pictures.pixels.reserve(count * static_cast<std::size_t>(from.picture_size()));
  for (std::int64_t i = 0; i < from.count; ++i) {
    if (chosen[static_cast<std::size_t>(i)] == wanted) {
      const auto picture = from.picture(i);
      result.pictures.pixels.insert(result.pictures.pixels.end(), picture.begin(), picture.end());
      result.labels.push_back(part.labels[static_cast<std::size_t>(i)]);
      ++result.pictures.count;
    }
  }
  return result;
}

void split_test(DataSet& data, double fraction, std::uint64_t seed) {
  const auto test = stratified_choice(data.train.labels, data.class_names.size(), fraction, seed, 0);
  LabeledPictures rest = chosen_samples(data.train, test, false);
  data.test = chosen_samples(data.train, test, true);
  data.train = std::move(rest);
}

}  // namespace lapel::data
