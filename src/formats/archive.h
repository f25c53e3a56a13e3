#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lapel::formats {

/// A file of an archive.
struct ArchiveEntry {
  std::string name;
  std::vector<std::uint8_t> bytes;
  std::string problem;  ///< Why it cannot be read; then it has no bytes.
};

/// What is kept of the files that are no pictures: all, or the first bytes, by which they are named.
enum class ArchiveContent { kAll, kPictures };

/// Reads the files of an archive (zip, tar, 7z, rar, packed or not) one after the other.
class ArchiveReader {
 public:
  /// Throws Error (kIo, kData) where the file cannot be read, or is no archive.
  ArchiveReader(const std::filesystem::path& file, ArchiveContent content);
  ~ArchiveReader();
  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) noexcept;

  /// The next file, in the archive's order; nothing at its end. Throws Error (kData) where the archive is damaged, or
  /// unpacks to more than base/limits.h allows.
  [[nodiscard]] std::optional<ArchiveEntry> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether the file's name ends as archives do: `.zip`, `.tar`, `.tar.gz`, `.tgz`, `.7z`, ...
[[nodiscard]] bool has_archive_ending(const std::filesystem::path& file);

}  // namespace lapel::formats
