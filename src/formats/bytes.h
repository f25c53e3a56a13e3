#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lapel::formats {

/// What is looked at before memory is taken for a file.
struct ReadLimits {
  /// Bytes, unpacked as well. What a gzip file unpacks to has a limit in any case (base/limits.h).
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  /// Is given the first bytes, unpacked, and the size of the file where it is known; throws where they are not those of
  /// what is wanted.
  std::function<void(std::span<const std::uint8_t> first, std::optional<std::uint64_t> size)> look = {};
};

/// The whole of a file; of a gzip file (by its first bytes, not its name) what it unpacks to.
/// Throws Error (kIo) where it cannot be read, or is a pipe, a socket or a device; (kData) where it is larger than
/// allowed, or the gzip data are damaged or end early.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::filesystem::path& file, const ReadLimits& limits = {});
[[nodiscard]] std::string read_text_file(const std::filesystem::path& file, const ReadLimits& limits = {});
/// Whether something is at the path, and whether it is a folder. Throw Error (kIo) where the system cannot tell: links
/// that lead in a circle, a name that is too long, a folder that may not be read.
[[nodiscard]] bool is_there(const std::filesystem::path& path);
[[nodiscard]] bool is_folder(const std::filesystem::path& path);

/// The first bytes of a file, as they are. Throws Error (kIo) as read_file does.
[[nodiscard]] std::vector<std::uint8_t> read_begin(const std::filesystem::path& file, std::size_t count);

/// Writes a file all or not at all: a temporary file beside it, fsync, rename, fsync of the folder. On any failure
/// the temporary file is gone and what was there before is untouched. A symbolic link is replaced, not followed, but
/// for those in /dev and /proc. Throws Error (kIo) with the file, the bytes wanted and what the system said (`No space
/// left on device`).
void write_file(const std::filesystem::path& file, std::span<const std::uint8_t> bytes);
void write_text_file(const std::filesystem::path& file, std::string_view text);

/// Removes from a folder the temporary files of writers that are no longer running.
void remove_leftovers(const std::filesystem::path& folder) noexcept;

/// Writes `bytes` behind the first `length` bytes of a file that grows, where the rest of it is dropped; makes the file
/// where `length` is 0. Not all or not at all: a kill may leave a part of them. Throws Error (kIo) as write_file does.
void extend_file(const std::filesystem::path& file, std::uint64_t length, std::string_view bytes);

/// As write_file, for content made of several parts, without joining them in memory.
void write_file_parts(const std::filesystem::path& file, std::span<const std::span<const std::uint8_t>> parts);

}  // namespace lapel::formats
