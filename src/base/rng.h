#pragma once

#include <array>
#include <cstdint>

namespace lapel {

/// What a random number is for. Part of its address, so that no two uses share numbers.
enum class RandomPurpose : std::uint32_t {
  kWeights = 1,
  kShuffle = 2,
  kDropout = 3,
  kAugment = 4,
  kSplit = 5,
  kTest = 15,
};

/// The address of a stream of random numbers. Every number is a pure function of (address, index) through
/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), never of the
/// order of calls or of the number of threads.
struct RandomStream {
  std::uint64_t seed = 0;
  RandomPurpose purpose = RandomPurpose::kTest;
  std::uint32_t unit = 0;  ///< Which layer or parameter; below 2^24.
  std::uint32_t epoch = 0;
  std::uint32_t sample = 0;  ///< Position in the data set.

  /// Four independent 32-bit numbers.
  [[nodiscard]] std::array<std::uint32_t, 4> block(std::uint32_t index) const;

  /// The `index`-th number: lane `index % 4` of block `index / 4`.
  [[nodiscard]] std::uint32_t bits(std::uint64_t index) const;

  /// Uniform in [0, 1), a multiple of 2^-24.
  [[nodiscard]] float uniform(std::uint64_t index) const;

  /// Uniform in [0, bound), without bias beyond 2^-32 * bound (Lemire's multiplication).
  [[nodiscard]] std::uint32_t below(std::uint64_t index, std::uint32_t bound) const;
};

/// The float in [0, 1) that `uniform` makes of 32 random bits.
[[nodiscard]] inline float uniform_from_bits(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24F; }

}  // namespace lapel
