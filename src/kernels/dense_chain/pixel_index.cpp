#include "kernels/dense_chain/pixel_index.h"

#include <algorithm>
#include <array>

namespace lapel::kernels {

std::size_t PixelIndex::bytes(std::size_t places, std::size_t batch) {
  return places * (batch * (sizeof(std::uint32_t) + 1) + sizeof(Counts) + kPixelValues * (sizeof(PixelRun) + 2));
}

PixelIndex::PixelIndex(void* memory, std::size_t places, std::size_t batch)
    : places_(places),
      batch_(batch),
      rows_(static_cast<std::uint32_t*>(memory)),
      runs_(reinterpret_cast<PixelRun*>(rows_ + places * batch)),
      counts_(reinterpret_cast<Counts*>(runs_ + places * kPixelValues)),
      values_(reinterpret_cast<std::uint8_t*>(counts_ + places)),
      nodes_(values_ + places * kPixelValues),
      numbers_(nodes_ + places * kPixelValues) {}

void PixelIndex::fill(const std::uint8_t* pixels, std::span<const std::uint32_t> samples,
                      std::span<const std::uint8_t, kPixelValues> pieces, std::size_t begin, std::size_t end) {
  // As many places at a time as a cache line of a picture has. The index is by places and pictures are by rows: a
  // transpose of bytes, in which each line of a picture is touched once.
  constexpr std::size_t kTogether = 64;
  const std::size_t batch = batch_;  // A copy, which no store of a byte can change.
  for (std::size_t place = begin; place < end; place += kTogether) {
    const std::size_t count = end - place < kTogether ? end - place : kTogether;
    for (std::size_t row = 0; row < batch; ++row) {
      const std::uint8_t* const from = pixels + samples[row] * places_ + place;
      std::uint8_t* const to = numbers_ + place * batch + row;
      for (std::size_t i = 0; i < count; ++i) {
        to[i * batch] = from[i];
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      fill_place(pieces, place + i);
    }
  }
}

/// From a place's pixels, in `numbers_`, to all else: a counting sort of the batch's rows by their pixel, in which the
/// most frequent pixel comes last, and a row's number is its pixel's rank.
void PixelIndex::fill_place(std::span<const std::uint8_t, kPixelValues> pieces, std::size_t place) {
  std::uint8_t* const numbers = numbers_ + place * batch_;
  // Four counts of each pixel, as neighbouring rows are often alike: one would wait for the other.
  std::array<std::array<std::uint32_t, kPixelValues>, 4> counts{};
  for (std::size_t row = 0; row < batch_; ++row) {
    ++counts[row % 4][numbers[row]];
  }
  std::array<std::uint32_t, kPixelValues>& rows_of = counts[0];
  for (std::size_t value = 0; value < kPixelValues; ++value) {
    rows_of[value] += counts[1][value] + counts[2][value] + counts[3][value];
  }
  const auto most = static_cast<std::size_t>(std::ranges::max_element(rows_of) - rows_of.begin());
  std::array<std::uint8_t, kPixelValues> number_of;
  // What stands behind the last number is overwritten, or not read.
  std::array<std::uint8_t, kPixelValues + 1> values;
  Positions positions;  // Of each number, where its next row is to stand.
  std::size_t count = 1;
  std::uint32_t position = 0;
  // No branch on whether a pixel occurs, which would be mispredicted half of the time: what does not is written too,
  // and overwritten by the next.
  for (std::size_t value = 0; value < kPixelValues; ++value) {
    const std::uint32_t rows = value == most ? 0 : rows_of[value];
    values[count] = static_cast<std::uint8_t>(value);
    number_of[value] = static_cast<std::uint8_t>(count);
    positions[count] = position;
    position += rows;
    count += rows > 0 ? 1 : 0;
  }
  values[0] = static_cast<std::uint8_t>(most);
  number_of[most] = 0;
  positions[0] = position;
  std::copy_n(values.begin(), kPixelValues, values_ + place * kPixelValues);
  counts_[place].values = static_cast<std::uint16_t>(count);
  std::uint32_t* const rows = rows_ + place * batch_;
  for (std::size_t row = 0; row < batch_; ++row) {
    const std::uint8_t number = number_of[numbers[row]];
    numbers[row] = number;
    rows[positions[number]++] = static_cast<std::uint32_t>(row);
  }
  find_nodes(pieces, positions, place);
}

/// `ends`: of each number, where its rows end.
void PixelIndex::find_nodes(std::span<const std::uint8_t, kPixelValues> pieces, const Positions& ends,
                            std::size_t place) {
  const auto all = values(place);
  PixelRun* const runs = runs_ + place * kPixelValues;
  std::size_t runs_count = 0;
  std::size_t count = 1;
  for (std::size_t number = 1; number < all.size(); ++number) {
    runs[runs_count] = {ends[number], static_cast<std::uint32_t>(number)};
    // `values` go from dark to bright from number 1 on, as pieces do: a run is neighbours of one piece.
    const bool first = number == 1 || pieces[all[number]] != pieces[all[number - 1]];
    const bool last = number + 1 == all.size() || pieces[all[number]] != pieces[all[number + 1]];
    runs_count += last ? 1 : 0;
    count += first || last ? 1 : 0;
  }
  // What nodes save must be worth more than what follows from them.
  if (4 * count > 3 * all.size()) {
    runs_count = 0;
    for (std::size_t number = 1; number < all.size(); ++number) {
      runs[runs_count++] = {ends[number], static_cast<std::uint32_t>(number)};
    }
  }
  std::uint8_t* const nodes = nodes_ + place * kPixelValues;
  nodes[0] = all[0];
  count = 1;
  std::size_t first = 1;
  for (std::size_t run = 0; run < runs_count; first = runs[run++].last + std::size_t{1}) {
    nodes[count++] = all[first];
    if (runs[run].last != first) {
      nodes[count++] = all[runs[run].last];
    }
  }
  counts_[place].runs = static_cast<std::uint16_t>(runs_count);
  counts_[place].nodes = static_cast<std::uint16_t>(count);
}

}  // namespace lapel::kernels
