#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace lapel::kernels {

/// The bfloat16 nearest to `value`, ties to even; a NaN stays a (quiet) NaN with its sign.
[[nodiscard]] constexpr std::uint16_t bfloat16_from_float(float value) {
  constexpr std::uint32_t kMagnitude = 0x7FFFFFFFU;
  constexpr std::uint32_t kInfinity = 0x7F800000U;
  constexpr std::uint32_t kQuiet = 0x0040U;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & kMagnitude) > kInfinity) {
    return static_cast<std::uint16_t>((bits >> 16U) | kQuiet);
  }
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

[[nodiscard]] constexpr float float_from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

/// bfloat16 bits of floats, rounded to nearest even, NaN kept; over all threads.
void to_bfloat16(std::span<const float> from, std::span<std::uint16_t> to);
void from_bfloat16(std::span<const std::uint16_t> from, std::span<float> to);

/// A bfloat16 that is rounded by an instruction of AVX512-BF16 where vectors of them are stored: Cpu::fast_bfloat16.
struct RoundedBfloat16 {
  std::uint16_t bits;
};

}  // namespace lapel::kernels
