#pragma once

#include <filesystem>

#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel::data {

/// The files of an archive in a folder of their own, which goes with this.
class UnpackedArchive {
 public:
  /// Throws Error (kIo, kData) where the archive cannot be read, a name leads out of it, or there is no room for its
  /// files, and (kInterrupted).
  UnpackedArchive(const std::filesystem::path& archive, const LoadSettings& settings);
  ~UnpackedArchive();
  UnpackedArchive(const UnpackedArchive&) = delete;
  UnpackedArchive& operator=(const UnpackedArchive&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// The error with the archive in the place of that folder.
  [[nodiscard]] Error as_of_archive(const Error& error) const;

 private:
  void unpack(const LoadSettings& settings);

  std::filesystem::path archive_;
  std::filesystem::path folder_;
};

/// Whether a data set is to be looked for within this file: an archive, by its ending, but none of NumPy's arrays.
[[nodiscard]] bool is_packed(const std::filesystem::path& file);

/// The file's name without the endings of archives: `photos.tar.gz` is `photos`.
[[nodiscard]] std::string name_without_archive_ending(const std::filesystem::path& file);

}  // namespace lapel::data
