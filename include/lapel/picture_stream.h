#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lapel/data.h"

namespace lapel {

/// A picture that could not be read.
struct UnreadPicture {
  std::string name;
  std::string problem;
  std::size_t before = 0;  ///< Pictures of its batch that come before it.
};

/// Some pictures, one behind the other in the order of the inputs.
struct PictureBatch {
  Pictures pictures;
  std::vector<std::string> names;            ///< One a picture: its path, or `ARCHIVE:PATH`, or `FILE.csv[3]`.
  std::vector<std::filesystem::path> files;  ///< One a picture: its file; empty where it has none of its own.
  std::vector<UnreadPicture> unread;         ///< Met on the way.
};

/// Any number of pictures from files, folders (with their sub-folders, by name; numbers in names as numbers), archives
/// (zip, tar, ...), and CSV files without labels, in bounded memory.
class PictureStream {
 public:
  /// Throws Error (kIo) for an input that is not there.
  PictureStream(std::vector<std::filesystem::path> inputs, PictureFormat format);
  ~PictureStream();
  PictureStream(PictureStream&&) noexcept;
  PictureStream& operator=(PictureStream&&) noexcept;

  /// The next pictures, at most `most`; a batch without pictures and without unread ones is the end. Pictures are
  /// decoded on all threads. Throws Error (kData) for a damaged archive or CSV file.
  [[nodiscard]] PictureBatch next(std::size_t most = 256);
  /// How many files there are, where that is known before they are read (no archives); else 0.
  [[nodiscard]] std::int64_t total() const;
  /// Files that are no pictures and were passed over, and how pictures were brought to the format.
  [[nodiscard]] const Findings& findings() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether a CSV file has no column of labels, so that it is no data set but pictures to be named. Throws Error (kIo,
/// kData).
[[nodiscard]] bool csv_without_labels(const std::filesystem::path& file);

}  // namespace lapel
