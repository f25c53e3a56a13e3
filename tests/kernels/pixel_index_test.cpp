// The index of a batch's pixels against what it says, place by place.

#include "kernels/pixel_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "base/rng.h"

namespace lapel::kernels {
namespace {

constexpr std::size_t kPlaces = 150;
constexpr std::size_t kPictures = 40;

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
  std::vector<std::uint32_t> most;
  std::vector<std::uint32_t> others;
  for (std::uint32_t row = 0; row < samples.size(); ++row) {
    const std::uint8_t number = index.numbers(place)[row];
    ASSERT_LT(number, values.size());
    EXPECT_EQ(values[number], pixels[samples[row] * kPlaces + place]);
    (number == 0 ? most : others).push_back(row);
  }
  EXPECT_EQ(std::vector(index.most(place).begin(), index.most(place).end()), most);
  EXPECT_EQ(std::vector(index.others(place).begin(), index.others(place).end()), others);
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
      index.fill(pixels.data(), samples, 0, 70);  // Two threads' parts.
      index.fill(pixels.data(), samples, 70, kPlaces);
      for (std::size_t place = 0; place < kPlaces; ++place) {
        SCOPED_TRACE(::testing::Message() << "below " << bound << ", batch " << batch << ", place " << place);
        expect_index(index, place, pixels, samples);
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
  index.fill(pixels.data(), samples, 0, 1);
  ASSERT_EQ(index.values(0).size(), 256U);
  EXPECT_EQ(index.most(0).size(), 1U);
  for (std::size_t row = 0; row < 256; ++row) {
    EXPECT_EQ(index.values(0)[index.numbers(0)[row]], pixels[row]);
  }
}

}  // namespace
}  // namespace lapel::kernels
