#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace lapel {

/// Zeroed memory, aligned to 64 bytes. Owns it; moves, does not copy.
class Buffer {
 public:
  Buffer() = default;
  /// Throws Error (kIo) with the size when there is not enough memory.
  explicit Buffer(std::size_t bytes);

  [[nodiscard]] std::byte* data() { return data_.get(); }
  [[nodiscard]] const std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }

  template <class T>
  [[nodiscard]] std::span<T> as() {
    return {reinterpret_cast<T*>(data_.get()), size_ / sizeof(T)};
  }
  template <class T>
  [[nodiscard]] std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data_.get()), size_ / sizeof(T)};
  }

  static constexpr std::size_t kAlignment = 64;
  /// `bytes` rounded up to a whole number of alignment units.
  [[nodiscard]] static constexpr std::size_t aligned(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }

  /// Bytes to leave between what one thread writes and what others read or write at the same time: a core fetches lines
  /// beyond those that it reads, and each of them that another core writes then goes to and fro (docs/kernels.md).
  static constexpr std::size_t kApart = 16384;
  /// The bytes of one thread's part of a memory, and of the gap behind it.
  [[nodiscard]] static constexpr std::size_t apart(std::size_t bytes) { return aligned(bytes) + kApart; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

/// Bytes of the data cache that is nearest to a core; 0 where the system does not say.
[[nodiscard]] std::size_t near_cache_bytes();

}  // namespace lapel
