#include "base/rng.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace lapel {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Random123's kat_vectors, philox4x32 10. The counter's words are block, sample, epoch, purpose and unit.
TEST(Rng, KnownAnswers) {
  EXPECT_EQ((RandomStream{0, static_cast<RandomPurpose>(0), 0, 0, 0}.block(0)),
            (Block{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}));
  EXPECT_EQ((RandomStream{~0ULL, static_cast<RandomPurpose>(0xFF), 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}.block(0xFFFFFFFF)),
            (Block{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
  EXPECT_EQ(
      (RandomStream{0x299F31D0A4093822ULL, static_cast<RandomPurpose>(0x03), 0x707344, 0x13198A2E, 0x85A308D3}.block(
          0x243F6A88)),
      (Block{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}));
}

TEST(Rng, BitsAreTheLanesOfBlocks) {
  const RandomStream stream{11, RandomPurpose::kShuffle, 2, 3, 4};
  for (std::uint64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(stream.bits(i), stream.block(static_cast<std::uint32_t>(i / 4)).at(i % 4));
    EXPECT_EQ(stream.uniform(i), uniform_from_bits(stream.bits(i)));
  }
}

TEST(Rng, EachPartOfTheAddressGivesOtherNumbers) {
  const RandomStream base{1, RandomPurpose::kDropout, 2, 3, 4};
  std::set<Block> blocks{base.block(0), base.block(1)};
  for (int bit = 0; bit < 64; ++bit) {
    RandomStream other = base;
    other.seed ^= 1ULL << bit;
    blocks.insert(other.block(0));
  }
  for (int bit = 0; bit < 24; ++bit) {
    RandomStream other = base;
    other.unit ^= 1U << bit;
    blocks.insert(other.block(0));
  }
  for (int bit = 0; bit < 32; ++bit) {
    RandomStream epoch = base;
    epoch.epoch ^= 1U << bit;
    blocks.insert(epoch.block(0));
    RandomStream sample = base;
    sample.sample ^= 1U << bit;
    blocks.insert(sample.block(0));
  }
  for (const auto purpose : {RandomPurpose::kWeights, RandomPurpose::kShuffle, RandomPurpose::kAugment}) {
    RandomStream other = base;
    other.purpose = purpose;
    blocks.insert(other.block(0));
  }
  EXPECT_EQ(blocks.size(), 2U + 64 + 24 + 64 + 3);
}

TEST(Rng, UniformIsBelowOne) {
  EXPECT_EQ(uniform_from_bits(0), 0.0F);
  EXPECT_EQ(uniform_from_bits(0xFF), 0.0F);
  EXPECT_EQ(uniform_from_bits(0x100), 0x1p-24F);
  EXPECT_EQ(uniform_from_bits(0x80000000U), 0.5F);
  EXPECT_EQ(uniform_from_bits(0xFFFFFFFFU), 1 - 0x1p-24F);
}

TEST(Rng, UniformHasTheMomentsOfUniform) {
  const RandomStream stream{5, RandomPurpose::kTest, 0, 0, 0};
  constexpr std::uint64_t kCount = 100'000;
  double sum = 0;
  double squares = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const auto value = static_cast<double>(stream.uniform(i));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(squares / kCount - mean * mean, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / kCount));
}

TEST(Rng, BelowIsBelow) {
  rc::check("below(i, bound) < bound", [](std::uint64_t seed, std::uint32_t index) {
    const auto bound = *rc::gen::inRange<std::uint32_t>(1, 0xFFFFFFFF);
    RC_ASSERT((RandomStream{seed, RandomPurpose::kTest, 0, 0, 0}.below(index, bound) < bound));
  });
}

TEST(Rng, BelowReachesAllEvenly) {
  const RandomStream stream{6, RandomPurpose::kTest, 0, 0, 0};
  std::vector<double> counts(7);
  constexpr double kCount = 70'000;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(kCount); ++i) {
    counts.at(stream.below(i, 7)) += 1;
  }
  for (const double count : counts) {
    EXPECT_NEAR(count, kCount / 7, 5 * std::sqrt(kCount * (1.0 / 7) * (6.0 / 7)));
  }
}

}  // namespace
}  // namespace lapel
