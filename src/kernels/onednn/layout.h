#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/onednn/compat.h"
#include "kernels/weight_layout.h"

namespace lapel::kernels {

/// `desc` describes floats with the dimensions in oneDNN's order: (out) of a bias, (out, in) of a dense kernel,
/// (out, in, h, w) of a convolution's.
struct WeightLayout::Impl {
  MemoryDesc desc;
  std::vector<std::int64_t> shape;  ///< Keras's.
};

/// The layout of floats with the blocking of `desc`, which may be of bfloat16: an array of the one and an array of
/// the other hold the same weight at the same position.
[[nodiscard]] WeightLayout layout_from(const MemoryDesc& desc, std::vector<std::int64_t> shape);

/// For each of Keras's four dimensions (h, w, in, out of a convolution's kernel; those before a lesser weight's have
/// one index), what each index along it adds to the place in memory: the place of a weight is their sum. Blocked
/// layouts divide each dimension by itself, so that four short tables take the place of one as large as the weight.
[[nodiscard]] std::array<std::vector<std::int64_t>, 4> places_of(const WeightLayout& layout);

}  // namespace lapel::kernels
