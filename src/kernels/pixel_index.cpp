#include "kernels/pixel_index.h"

#include <array>
#include <utility>

namespace lapel::kernels {

std::size_t PixelIndex::bytes(std::size_t places, std::size_t batch) {
  return places * (batch * (sizeof(std::uint32_t) + 1) + sizeof(std::uint32_t) + sizeof(std::uint16_t) + kPixelValues);
}

PixelIndex::PixelIndex(void* memory, std::size_t places, std::size_t batch)
    : places_(places),
      batch_(batch),
      rows_(static_cast<std::uint32_t*>(memory)),
      most_(rows_ + places * batch),
      counts_(reinterpret_cast<std::uint16_t*>(most_ + places)),
      values_(reinterpret_cast<std::uint8_t*>(counts_ + places)),
      numbers_(values_ + places * kPixelValues) {}

void PixelIndex::fill(const std::uint8_t* pixels, std::span<const std::uint32_t> samples, std::size_t begin,
                      std::size_t end) {
  // As many places at a time as a cache line of a picture has.
  constexpr std::size_t kTogether = 64;
  for (std::size_t place = begin; place < end; place += kTogether) {
    const std::size_t count = end - place < kTogether ? end - place : kTogether;
    for (std::size_t row = 0; row < batch_; ++row) {
      const std::uint8_t* const from = pixels + samples[row] * places_ + place;
      for (std::size_t i = 0; i < count; ++i) {
        numbers_[(place + i) * batch_ + row] = from[i];
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      fill_place(place + i);
    }
  }
}

/// From a place's pixels, in `numbers_`, to all else.
void PixelIndex::fill_place(std::size_t place) {
  std::uint8_t* const numbers = numbers_ + place * batch_;
  // Four counts of each pixel, as neighbouring rows are often alike: one would wait for the other.
  std::array<std::array<std::uint32_t, kPixelValues>, 4> counts{};
  for (std::size_t row = 0; row < batch_; ++row) {
    ++counts[row % 4][numbers[row]];
  }
  std::uint8_t* const values = values_ + place * kPixelValues;
  std::array<std::uint8_t, kPixelValues> number_of;
  std::size_t count = 0;
  std::size_t best = 0;
  std::uint32_t most = 0;
  for (std::size_t value = 0; value < kPixelValues; ++value) {
    const std::uint32_t rows = counts[0][value] + counts[1][value] + counts[2][value] + counts[3][value];
    best = rows > most ? value : best;
    most = rows > most ? rows : most;
    values[count] = static_cast<std::uint8_t>(value);
    number_of[value] = static_cast<std::uint8_t>(count);
    count += rows > 0 ? 1 : 0;
  }
  // The first takes the number of the one that most rows have.
  const std::size_t first = values[0];
  if (best != first) {
    std::swap(values[0], values[number_of[best]]);
    std::swap(number_of[first], number_of[best]);
  }
  counts_[place] = static_cast<std::uint16_t>(count);
  most_[place] = most;
  std::uint32_t* const rows = rows_ + place * batch_;
  std::size_t at_most = 0;
  for (std::size_t row = 0; row < batch_; ++row) {
    const std::uint8_t number = number_of[numbers[row]];
    numbers[row] = number;
    // Which of both lists is next cannot be foreseen, so there is no branch.
    const std::size_t is_most = number == 0 ? 1 : 0;
    const std::size_t at_others = most + row - at_most;
    rows[at_others ^ ((at_others ^ at_most) & (0 - is_most))] = static_cast<std::uint32_t>(row);
    at_most += is_most;
  }
}

}  // namespace lapel::kernels
