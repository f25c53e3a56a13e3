// The index of a batch's pixels against what it says, place by place.

#include "kernels/dense_chain/pixel_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "base/rng.h"

namespace lapel::kernels {
namespace {

constexpr std::size_t kPlaces = 150;
constexpr std::size_t kPictures = 40;

using Pieces = std::array<std::uint8_t, kPixelValues>;

/// Pieces of `size` pixels; the last one may have less.
Pieces pieces_of(std::size_t size) {
  Pieces pieces{};
  for (std::size_t value = 0; value < kPixelValues; ++value) {
    pieces[value] = static_cast<std::uint8_t>(value / size);
  }
  return pieces;
}

/// Pixels below `bound`, half of them 0.
std::vector<std::uint8_t> pictures(std::uint32_t bound) {
  const RandomStream stream{5, RandomPurpose::kTest, 0, 0, 0};
  std::vector<std::uint8_t> pixels(kPictures * kPlaces);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] =
        stream.below(2 * i, 2) == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(stream.below(2 * i + 1, bound));
  }
  return pixels;
}

void expect_index(const PixelIndex& index, std::size_t place, const std::vector<std::uint8_t>& pixels,
                  const std::vector<std::uint32_t>& samples) {
  std::map<std::uint8_t, std::size_t> rows_of;
  for (const std::uint32_t sample : samples) {
    ++rows_of[pixels[sample * kPlaces + place]];
  }
  const auto values = index.values(place);
  ASSERT_EQ(values.size(), rows_of.size());
  EXPECT_EQ(std::set<std::uint8_t>(values.begin(), values.end()).size(), values.size()) << "a pixel has two numbers";
  const auto largest = std::ranges::max_element(rows_of, {}, [](const auto& value) { return value.second; });
  EXPECT_EQ(rows_of[values[0]], largest->second) << "number 0 is not the most frequent pixel";
  std::vector<std::uint32_t> order(samples.size());
  std::iota(order.begin(), order.end(), 0U);
  for (const std::uint32_t row : order) {
    const std::uint8_t number = index.numbers(place)[row];
    ASSERT_LT(number, values.size());
    EXPECT_EQ(values[number], pixels[samples[row] * kPlaces + place]);
  }
  // By number, 0 last, and then as in the batch.
  std::ranges::stable_sort(order, {}, [&](std::uint32_t row) {
    const std::uint8_t number = index.numbers(place)[row];
    return number == 0 ? kPixelValues : number;
  });
  EXPECT_EQ(std::vector(index.rows(place), index.rows(place) + samples.size()), order);
}

/// What the nodes of a place are, said otherwise: number 0, and of the others the darkest and the brightest of each
/// piece.
void expect_nodes(const PixelIndex& index, std::size_t place, const Pieces& pieces) {
  const auto values = index.values(place);
  EXPECT_TRUE(std::is_sorted(values.begin() + 1, values.end()));
  const auto is_node = [&](std::size_t number, std::size_t neighbour) {
    return neighbour == 0 || neighbour == values.size() || pieces[values[number]] != pieces[values[neighbour]];
  };
  std::vector<std::uint8_t> nodes{values[0]};
  std::vector<std::uint32_t> lasts;
  for (std::size_t number = 1; number < values.size(); ++number) {
    if (is_node(number, number - 1) || is_node(number, number + 1)) {
      nodes.push_back(values[number]);
    }
    if (is_node(number, number + 1)) {
      lasts.push_back(static_cast<std::uint32_t>(number));
    }
  }
  if (4 * nodes.size() > 3 * values.size()) {
    nodes.assign(values.begin(), values.end());
    lasts.resize(values.size() - 1);
    std::iota(lasts.begin(), lasts.end(), 1U);
  }
  EXPECT_EQ(std::vector(index.nodes(place).begin(), index.nodes(place).end()), nodes);
  const auto runs = index.runs(place);
  ASSERT_EQ(runs.size(), lasts.size());
  for (std::size_t run = 0; run < runs.size(); ++run) {
    EXPECT_EQ(runs[run].last, lasts[run]);
    EXPECT_EQ(index.numbers(place)[index.rows(place)[runs[run].rows_end - 1]], lasts[run]);
  }
}

TEST(PixelIndex, SaysWhichRowsHaveWhichPixel) {
  for (const std::uint32_t bound : {1U, 3U, 256U}) {
    const auto pixels = pictures(bound);
    for (const std::size_t batch : {1U, 2U, 39U, 700U}) {
      std::vector<std::uint32_t> samples;
      for (std::size_t row = 0; row < batch; ++row) {
        samples.push_back(static_cast<std::uint32_t>((row * 7 + 3) % kPictures));
      }
      std::vector<std::uint32_t> memory((PixelIndex::bytes(kPlaces, batch) + 3) / 4);
      PixelIndex index(memory.data(), kPlaces, batch);
      for (const std::size_t size : {1U, 7U, 256U}) {
        const Pieces pieces = pieces_of(size);
        index.fill(pixels.data(), samples, pieces, 0, 70);  // Two threads' parts.
        index.fill(pixels.data(), samples, pieces, 70, kPlaces);
        for (std::size_t place = 0; place < kPlaces; ++place) {
          SCOPED_TRACE(::testing::Message()
                       << "below " << bound << ", batch " << batch << ", place " << place << ", pieces of " << size);
          expect_index(index, place, pixels, samples);
          expect_nodes(index, place, pieces);
        }
      }
    }
  }
}

TEST(PixelIndex, HoldsAll256Pixels) {
  std::vector<std::uint8_t> pixels(256);
  std::vector<std::uint32_t> samples(256);
  for (std::uint32_t i = 0; i < 256; ++i) {
    pixels[i] = static_cast<std::uint8_t>(255 - i);
    samples[i] = i;
  }
  std::vector<std::uint32_t> memory((PixelIndex::bytes(1, 256) + 3) / 4);
  PixelIndex index(memory.data(), 1, 256);
  for (const std::size_t size : {1U, 256U}) {
    const Pieces pieces = pieces_of(size);
    index.fill(pixels.data(), samples, pieces, 0, 1);
    expect_nodes(index, 0, pieces);
  }
  ASSERT_EQ(index.values(0).size(), 256U);
  for (std::size_t row = 0; row < 256; ++row) {
    EXPECT_EQ(index.values(0)[index.numbers(0)[row]], pixels[row]);
  }
}

}  // namespace
}  // namespace lapel::kernels
