#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <string>
#include <system_error>
#include <utility>

#include "data/assemble.h"
#include "data/sources.h"
#include "formats/bytes.h"
#include "formats/idx.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

/// The two files of one part; empty paths where there are none.
struct PartFiles {
  std::filesystem::path images;
  std::filesystem::path labels;
  int rank = 3;
};

/// Of arrays n, h, w, c.
constexpr int kColorRank = 4;

/// The file of the folder whose name ends with this, as those of EMNIST: `emnist-letters-train-images-idx3-ubyte`.
/// Throws Error (kData) for several.
std::filesystem::path find_with_prefix(const std::filesystem::path& folder, const std::string& ending) {
  std::filesystem::path found;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!name.ends_with("-" + ending) && !name.ends_with("_" + ending)) {
      continue;
    }
    if (!found.empty()) {
      throw Error(ErrorKind::kData, folder.string(), fmt::format("several files end with {}", ending),
                  {{"files", fmt::format("{}, {}", std::min(found.filename().string(), name),
                                         std::max(found.filename().string(), name))}},
                  "the files of one data set in a folder of their own");
    }
    found = entry->path();
  }
  return found;
}

/// The first of the forms of `name` (`train-images`) in the folder; empty if there is none.
std::filesystem::path find_file(const std::filesystem::path& folder, std::string_view name, int rank) {
  for (const char separator : {'-', '.'}) {
    for (const std::string_view packed : {"", ".gz"}) {
      std::filesystem::path file = folder / fmt::format("{}{}idx{}-ubyte{}", name, separator, rank, packed);
      std::error_code ignored;
      if (std::filesystem::is_regular_file(file, ignored)) {
        return file;
      }
      // Some programs unpack a file into a folder of its name.
      if (std::filesystem::is_regular_file(file / file.filename(), ignored)) {
        return file / file.filename();
      }
      if (std::filesystem::path longer = find_with_prefix(folder, file.filename().string()); !longer.empty()) {
        return longer;
      }
    }
  }
  return {};
}

/// Both files of a part, or neither. Throws Error (kIo) for one without the other.
PartFiles find_part(const std::filesystem::path& folder, std::string_view part) {
  PartFiles files{find_file(folder, fmt::format("{}-images", part), 3),
                  find_file(folder, fmt::format("{}-labels", part), 1)};
  if (files.images.empty()) {
    files.images = find_file(folder, fmt::format("{}-images", part), kColorRank);
    files.rank = files.images.empty() ? files.rank : kColorRank;
  }
  if (files.images.empty() != files.labels.empty()) {
    const bool images = files.images.empty();
    throw Error(ErrorKind::kIo, folder.string(),
                fmt::format("{}-{}-ubyte[.gz] is missing", part, images ? "images-idx3" : "labels-idx1"),
                {{images ? "labels" : "images", (images ? files.labels : files.images).filename().string()}},
                "the whole data set in one folder");
  }
  return files;
}

/// The labels alone, with no pictures.
LabeledPictures read_labels(const PartFiles& files) {
  const formats::IdxArray labels = formats::read_idx(files.labels, 1);
  return {{}, {labels.values.begin(), labels.values.end()}};
}

LabeledPictures read_part(const PartFiles& files) {
  if (files.images.empty()) {
    return {};
  }
  formats::IdxArray images = formats::read_idx(files.images, files.rank);
  const formats::IdxArray labels = formats::read_idx(files.labels, 1);
  if (images.shape[0] != labels.shape[0]) {
    throw Error(ErrorKind::kData, files.images.parent_path().string(),
                fmt::format("{} pictures, but {} labels", images.shape[0], labels.shape[0]),
                {{"pictures", files.images.filename().string()}, {"labels", files.labels.filename().string()}},
                "two files that belong together");
  }
  const std::int64_t channels = files.rank == kColorRank ? images.shape[3] : 1;
  if (channels != 1 && channels != 3) {
    throw Error(ErrorKind::kData, files.images.string(), fmt::format("holds pictures of {} channels", channels), {},
                "1 channel (grey) or 3 (RGB)");
  }
  return {{images.shape[0], images.shape[1], images.shape[2], channels, std::move(images.values)},
          {labels.values.begin(), labels.values.end()}};
}

}  // namespace

std::optional<DataSet> read_idx_folder(const std::filesystem::path& place, const DataSpec& /*spec*/, DataPart wanted,
                                       const LoadSettings& /*settings*/) {
  const PartFiles train_files = find_part(place, "train");
  const PartFiles named = find_part(place, "t10k");
  const PartFiles test_files = named.images.empty() ? find_part(place, "test") : named;
  if (train_files.images.empty() && test_files.images.empty()) {
    return std::nullopt;
  }
  auto test_part = std::async(std::launch::async, read_part, wanted == DataPart::kTrain ? PartFiles() : test_files);
  // Class names come from the training labels, whichever part is wanted.
  LabeledPictures train =
      wanted == DataPart::kTest && !train_files.labels.empty() ? read_labels(train_files) : read_part(train_files);
  LabeledPictures test = test_part.get();
  NamedParts parts;
  parts.train = {std::move(train), train_files.labels.string()};
  parts.test = {std::move(test), test_files.labels.string()};
  DataSet data = assemble(place, place, std::move(parts));
  data.has_test_part = !test_files.images.empty();
  return data;
}

}  // namespace lapel::data
