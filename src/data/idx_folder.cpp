#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <string>
#include <system_error>
#include <utility>

#include "data/known.h"
#include "data/sources.h"
#include "formats/bytes.h"
#include "formats/idx.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

constexpr const char* kNamesFile = "class_names.txt";

/// The two files of one part; empty paths where there are none.
struct PartFiles {
  std::filesystem::path images;
  std::filesystem::path labels;
};

/// A part as its files hold it.
struct Part {
  Pictures pictures;
  std::vector<std::uint8_t> labels;
};

/// The first of the forms of `name` (`train-images`) in the folder; empty if there is none.
std::filesystem::path find_file(const std::filesystem::path& folder, std::string_view name, int rank) {
  for (const char separator : {'-', '.'}) {
    for (const std::string_view packed : {"", ".gz"}) {
      std::filesystem::path file = folder / fmt::format("{}{}idx{}-ubyte{}", name, separator, rank, packed);
      std::error_code ignored;
      if (std::filesystem::exists(file, ignored)) {
        return file;
      }
    }
  }
  return {};
}

/// Both files of a part, or neither. Throws Error (kIo) for one without the other.
PartFiles find_part(const std::filesystem::path& folder, std::string_view part) {
  PartFiles files{find_file(folder, fmt::format("{}-images", part), 3),
                  find_file(folder, fmt::format("{}-labels", part), 1)};
  if (files.images.empty() != files.labels.empty()) {
    const bool images = files.images.empty();
    throw Error(ErrorKind::kIo, folder.string(),
                fmt::format("{}-{}-ubyte[.gz] is missing", part, images ? "images-idx3" : "labels-idx1"),
                {{images ? "labels" : "images", (images ? files.labels : files.images).filename().string()}},
                "the whole data set in one folder");
  }
  return files;
}

Part read_part(const PartFiles& files) {
  if (files.images.empty()) {
    return {};
  }
  formats::IdxArray images = formats::read_idx(files.images, 3);
  formats::IdxArray labels = formats::read_idx(files.labels, 1);
  if (images.shape[0] != labels.shape[0]) {
    throw Error(ErrorKind::kData, files.images.parent_path().string(),
                fmt::format("{} pictures, but {} labels", images.shape[0], labels.shape[0]),
                {{"pictures", files.images.filename().string()}, {"labels", files.labels.filename().string()}},
                "two files that belong together");
  }
  return {{images.shape[0], images.shape[1], images.shape[2], 1, std::move(images.values)}, std::move(labels.values)};
}

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

/// "0", "1", ... up to the largest label, at least two.
std::vector<std::string> numbered_names(const Part& train, const Part& test) {
  int largest = 1;
  for (const Part* part : {&train, &test}) {
    for (const std::uint8_t label : part->labels) {
      largest = std::max<int>(largest, label);
    }
  }
  std::vector<std::string> names;
  for (int label = 0; label <= largest; ++label) {
    names.push_back(std::to_string(label));
  }
  return names;
}

void check_labels(const PartFiles& files, const Part& part, std::size_t classes, const std::string& names_from) {
  const auto beyond =
      std::find_if(part.labels.begin(), part.labels.end(), [&](std::uint8_t label) { return label >= classes; });
  if (beyond != part.labels.end()) {
    throw Error(ErrorKind::kData, files.labels.string(),
                fmt::format("label {} at index {} is beyond the {} classes, 0 to {}", *beyond,
                            beyond - part.labels.begin(), classes, classes - 1),
                {{"class names", names_from}}, fmt::format("a {} with a line for every class", kNamesFile));
  }
}

void check_test_size(const PartFiles& files, const Pictures& test, const Pictures& train) {
  if (test.count > 0 && (test.height != train.height || test.width != train.width)) {
    throw Error(ErrorKind::kData, files.images.string(),
                fmt::format("the test pictures are {} x {}, the training pictures {} x {}", test.height, test.width,
                            train.height, train.width),
                {}, "two parts of the same data set");
  }
}

LabeledPictures labeled(Part part) {
  return {std::move(part.pictures), std::vector<Label>(part.labels.begin(), part.labels.end())};
}

}  // namespace

std::optional<DataSet> read_idx_folder(const std::filesystem::path& place) {
  const PartFiles train_files = find_part(place, "train");
  if (train_files.images.empty()) {
    return std::nullopt;
  }
  const PartFiles test_files = find_part(place, "t10k");
  auto test_part = std::async(std::launch::async, read_part, test_files);
  Part train = read_part(train_files);
  Part test = test_part.get();
  check_test_size(test_files, test.pictures, train.pictures);

  const KnownData* known = recognise(train.labels);
  DataSet data;
  data.name = known != nullptr ? std::string(known->name) : place.filename().string();
  data.location = place;
  std::string names_from = kNamesFile;
  std::error_code ignored;
  if (std::filesystem::exists(place / kNamesFile, ignored)) {
    data.class_names = read_class_names(place / kNamesFile);
  } else if (known != nullptr) {
    data.class_names.assign(known->class_names.begin(), known->class_names.end());
    names_from = fmt::format("those of {}", known->name);
  } else {
    data.class_names = numbered_names(train, test);
  }
  check_labels(train_files, train, data.class_names.size(), names_from);
  check_labels(test_files, test, data.class_names.size(), names_from);
  data.train = labeled(std::move(train));
  data.test = labeled(std::move(test));
  return data;
}

}  // namespace lapel::data
