#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lapel::formats {

/// The whole of a file; of a gzip file (by its first bytes, not its name) what it unpacks to.
/// Throws Error (kIo) where it cannot be read, (kData) where the gzip data are damaged or end early.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::filesystem::path& file);
[[nodiscard]] std::string read_text_file(const std::filesystem::path& file);

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
