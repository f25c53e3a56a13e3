#pragma once

#include <cstdint>
#include <vector>

#include "kernels/onednn_compat.h"
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

}  // namespace lapel::kernels
