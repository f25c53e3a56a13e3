#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace lapel {

/// Bytes that this process can still take without pushing others out: what the system has available, less where a
/// control group (versions 1 and 2) or a limit on addresses (ulimit -v) allows less.
[[nodiscard]] std::size_t free_memory();

/// The same without the limit on addresses, as the files of a system say: `root` has `proc` and `sys`. For tests.
[[nodiscard]] std::size_t free_memory_in(const std::filesystem::path& root);

/// Something that is about to take memory.
struct MemoryWish {
  std::string what;
  std::size_t bytes = 0;
};

/// Throws Error (kIo) with every wish, what is free, and `hint`, where they are more together.
void check_memory(std::span<const MemoryWish> wishes, std::size_t free, const std::string& hint);

/// Checks only what is worth looking, since the look costs some ten microseconds.
inline constexpr std::size_t kWorthChecking = std::size_t{64} << 20U;

}  // namespace lapel
