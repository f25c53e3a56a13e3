#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "kernels/operator.h"

/// Chains of Dense layers, and pictures for those on pixels.
namespace lapel::kernels::testing {

/// A data set of 20 pictures of `size` pixels, and a batch of it in some order.
struct Pixels {
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint32_t> samples;
  StepState state;

  Pixels(std::int64_t batch, std::int64_t size) : pixels(static_cast<std::size_t>(20 * size)) {
    const RandomStream stream{3, RandomPurpose::kTest, 0, 0, 0};
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      // Half of them 0, as in pictures: the same number many times in a row.
      pixels[i] = i / 5 % 2 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(stream.below(i, 256));
    }
    for (std::int64_t row = 0; row < batch; ++row) {
      samples.push_back(static_cast<std::uint32_t>((row * 7 + 5) % 20));
    }
    state.pixels = pixels.data();
    state.samples = samples;
  }
};

inline DenseChainOp chain(std::int64_t rows, const std::vector<std::int64_t>& sizes,
                          ActivationKind last = ActivationKind::kRelu, bool bias = true) {
  DenseChainOp op;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    op.layers.push_back({rows, sizes[i], sizes[i + 1], bias, i + 2 == sizes.size() ? last : ActivationKind::kRelu});
  }
  return op;
}

inline DenseChainOp on_pixels(DenseChainOp op) {
  op.pixel_scale = 1.0F / 255.0F;
  return op;
}

}  // namespace lapel::kernels::testing
