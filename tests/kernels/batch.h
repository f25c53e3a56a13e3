#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "kernels/operator.h"

namespace lapel::kernels::testing {

/// A data set of 50 pictures, and a batch of it in some order.
struct Batch {
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint32_t> samples;
  StepState state;

  Batch(std::int64_t rows, std::int64_t size, bool training = true) : pixels(static_cast<std::size_t>(50 * size)) {
    const RandomStream stream{3, RandomPurpose::kTest, 0, 0, 0};
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      pixels[i] = static_cast<std::uint8_t>(stream.below(i, 256));
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      samples.push_back(static_cast<std::uint32_t>((row * 17 + 5) % 50));
    }
    state.pixels = pixels.data();
    state.samples = samples;
    state.seed = 0x123456789ABCDEFULL;
    state.epoch = 4;
    state.training = training;
  }
};

inline BuildOptions options_for(std::int64_t batch, Dtype dtype, bool training = true) {
  BuildOptions options;
  options.batch = batch;
  options.training = training;
  options.dtype = dtype;
  return options;
}

}  // namespace lapel::kernels::testing
