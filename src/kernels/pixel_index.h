#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lapel::kernels {

/// What a pixel can be.
inline constexpr std::size_t kPixelValues = 256;

/// For each place of a picture, which rows of a batch have the same pixel there. The different pixels of a place are
/// numbered: 0 is the one that most rows have, the others follow from dark to bright.
class PixelIndex {
 public:
  /// Bytes of memory that an index of `places` and `batch` rows needs.
  [[nodiscard]] static std::size_t bytes(std::size_t places, std::size_t batch);

  PixelIndex() = default;
  /// `memory`: `bytes(places, batch)`, aligned to 4.
  PixelIndex(void* memory, std::size_t places, std::size_t batch);

  /// Fills places [begin, end) from pictures of all places: row r of the batch is picture samples[r].
  void fill(const std::uint8_t* pixels, std::span<const std::uint32_t> samples, std::size_t begin, std::size_t end);

  /// The different pixels of a place.
  [[nodiscard]] std::span<const std::uint8_t> values(std::size_t place) const {
    return {values_ + place * kPixelValues, counts_[place]};
  }
  /// For each row the number of its pixel.
  [[nodiscard]] const std::uint8_t* numbers(std::size_t place) const { return numbers_ + place * batch_; }
  /// The rows that have pixel number 0, and the others.
  [[nodiscard]] std::span<const std::uint32_t> most(std::size_t place) const {
    return {rows_ + place * batch_, most_[place]};
  }
  [[nodiscard]] std::span<const std::uint32_t> others(std::size_t place) const {
    return {rows_ + place * batch_ + most_[place], batch_ - most_[place]};
  }

 private:
  void fill_place(std::size_t place);

  std::size_t places_ = 0;
  std::size_t batch_ = 0;
  std::uint32_t* rows_ = nullptr;
  std::uint32_t* most_ = nullptr;
  std::uint16_t* counts_ = nullptr;
  std::uint8_t* values_ = nullptr;
  std::uint8_t* numbers_ = nullptr;
};

}  // namespace lapel::kernels
