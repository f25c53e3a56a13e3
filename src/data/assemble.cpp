#include "data/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "data/known.h"
#include "formats/bytes.h"
#include "lapel/error.h"

namespace lapel::data {

/// The lines of class_names.txt. Throws Error (kData) for an empty line between them, or fewer than two.
std::vector<std::string> read_class_names(const std::filesystem::path& file) {
  std::string text = formats::read_text_file(file);
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  constexpr std::string_view kBlank = " \t\r";
  if (text.starts_with(kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  std::vector<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    line = line.substr(0, line.find_last_not_of(kBlank) + 1);
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    if (line.empty()) {
      throw Error(ErrorKind::kData, fmt::format("{}:{}", file.string(), names.size() + 1), "the line is empty", {},
                  "one class name a line");
    }
    names.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (names.size() < 2) {
    throw Error(ErrorKind::kData, file.string(),
                fmt::format("holds {} class name{}, at least 2 are wanted", names.size(), names.empty() ? "s" : ""), {},
                "one class name a line");
  }
  return names;
}

namespace {

/// "0", "1", ... up to the largest label, at least two.
std::vector<std::string> numbered_names(std::span<const Label> labels) {
  Label largest = 1;
  for (const Label label : labels) {
    largest = std::max(largest, label);
  }
  std::vector<std::string> names;
  for (int label = 0; label <= largest; ++label) {
    names.push_back(std::to_string(label));
  }
  return names;
}

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

void check_labels(const NamedPart& part, std::size_t classes, const std::string& names_from) {
  const auto& labels = part.content.labels;
  const auto beyond = std::find_if(labels.begin(), labels.end(), [&](Label label) { return label >= classes; });
  if (beyond != labels.end()) {
    const std::int64_t index = beyond - labels.begin();
    const bool lines = part.first_line > 0;
    throw Error(ErrorKind::kData, lines ? fmt::format("{}:{}", part.labels, part.first_line + index) : part.labels,
                fmt::format("label {}{} is beyond the {} classes, 0 to {}", *beyond,
                            lines ? "" : fmt::format(" at index {}", index), classes, classes - 1),
                {{"class names", names_from}}, fmt::format("a {} with a line for every class", kNamesFile));
  }
}

void check_test_size(const std::filesystem::path& location, const Pictures& test, const Pictures& train) {
  const bool same = test.height == train.height && test.width == train.width && test.channels == train.channels;
  if (test.count > 0 && train.count > 0 && !same) {
    const auto size = [&](const Pictures& pictures) {
      return pictures.channels == train.channels && pictures.channels == test.channels
                 ? fmt::format("{} x {}", pictures.height, pictures.width)
                 : fmt::format("{} x {} x {}", pictures.height, pictures.width, pictures.channels);
    };
    throw Error(ErrorKind::kData, location.string(),
                fmt::format("the test pictures are {}, the training pictures {}", size(test), size(train)), {},
                "two parts of the same data set");
  }
}

/// The samples of `part` for which `wanted` says so.
LabeledPictures chosen(const LabeledPictures& part, const std::vector<bool>& test, bool wanted) {
  LabeledPictures result;
  const Pictures& from = part.pictures;
  result.pictures = {0, from.height, from.width, from.channels, {}};
  for (std::int64_t i = 0; i < from.count; ++i) {
    if (test[static_cast<std::size_t>(i)] == wanted) {
      const auto picture = from.picture(i);
      result.pictures.pixels.insert(result.pictures.pixels.end(), picture.begin(), picture.end());
      result.labels.push_back(part.labels[static_cast<std::size_t>(i)]);
      ++result.pictures.count;
    }
  }
  return result;
}

}  // namespace

DataSet assemble(const std::filesystem::path& location, const std::filesystem::path& folder, NamedPart train,
                 NamedPart test) {
  check_test_size(location, test.content.pictures, train.content.pictures);
  const KnownData* known = recognise_labels(train.content.labels);
  DataSet data;
  data.location = location;
  std::string names_from = kNamesFile;
  std::error_code ignored;
  if (std::filesystem::exists(folder / kNamesFile, ignored)) {
    data.class_names = read_class_names(folder / kNamesFile);
  } else if (known != nullptr) {
    data.class_names.assign(known->class_names.begin(), known->class_names.end());
    names_from = fmt::format("those of {}", known->name);
  } else {
    data.class_names = numbered_names(train.content.labels);
    names_from = "the training labels";
  }
  data.name = name_of(location, train.content.labels, data.class_names);
  check_labels(train, data.class_names.size(), names_from);
  check_labels(test, data.class_names.size(), names_from);
  data.train = std::move(train.content);
  data.test = std::move(test.content);
  return data;
}

std::string name_of(const std::filesystem::path& location, std::span<const Label> train_labels,
                    const std::vector<std::string>& class_names) {
  const KnownData* known = recognise_labels(train_labels);
  const bool same = known != nullptr && std::equal(class_names.begin(), class_names.end(), known->class_names.begin(),
                                                   known->class_names.end());
  return same ? std::string(known->name) : location.filename().string();
}

void split_test(DataSet& data, double fraction, std::uint64_t seed) {
  std::vector<bool> test(data.train.labels.size(), false);
  for (std::size_t label = 0; label < data.class_names.size(); ++label) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < test.size(); ++i) {
      if (data.train.labels[i] == label) {
        members.push_back(i);
      }
    }
    const RandomStream random{seed, RandomPurpose::kSplit, 0, 0, static_cast<std::uint32_t>(label)};
    const auto count = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(members.size())));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t other = i + random.below(i, static_cast<std::uint32_t>(members.size() - i));
      std::swap(members[i], members[other]);
      test[members[i]] = true;
    }
  }
  LabeledPictures rest = chosen(data.train, test, false);
  data.test = chosen(data.train, test, true);
  data.train = std::move(rest);
}

}  // namespace lapel::data
