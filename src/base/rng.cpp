#include "base/rng.h"

#include <Random123/philox.h>

namespace lapel {

std::array<std::uint32_t, 4> RandomStream::block(std::uint32_t index) const {
  constexpr std::uint32_t kUnitBits = 24;
  const r123::Philox4x32::ctr_type counter = {
      {index, sample, epoch, (static_cast<std::uint32_t>(purpose) << kUnitBits) | unit}};
  const r123::Philox4x32::key_type key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)}};
  const auto out = r123::Philox4x32()(counter, key);
  return {out[0], out[1], out[2], out[3]};
}

std::uint32_t RandomStream::bits(std::uint64_t index) const {
  return block(static_cast<std::uint32_t>(index / 4)).at(index % 4);
}

float RandomStream::uniform(std::uint64_t index) const { return uniform_from_bits(bits(index)); }

std::uint32_t RandomStream::below(std::uint64_t index, std::uint32_t bound) const {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits(index)) * bound) >> 32U);
}

}  // namespace lapel
