#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/ops.h"

/// The arguments of the Highway code of this room. They are not in the files that use them, because those are compiled
/// once for each instruction set.
namespace lapel::kernels {

/// Of dropout.cpp. Where Philox's numbers for one row are: the last three words of the counter (the first counts
/// blocks of four numbers), and the key.
struct PhiloxAddress {
  std::array<std::uint32_t, 3> counter{};
  std::array<std::uint32_t, 2> key{};
};

/// Of batch_norm.cpp. Rows of `channels` numbers, and factors for each channel. A pass is one multiply-add or two for
/// each number: all that depends on the channel alone is in these factors.
struct NormRows {
  std::size_t channels = 0;
  bool rounds_bfloat16 = false;  ///< The CPU has RoundedBfloat16.
  ActivationKind activation = ActivationKind::kLinear;
  const void* input = nullptr;
  void* output = nullptr;
  const void* output_grad = nullptr;
  void* input_grad = nullptr;
  const float* mean = nullptr;
  const float* factor = nullptr;  ///< output = (input - mean) factor + shift
  const float* shift = nullptr;
  const float* grad_slope = nullptr;  ///< input_grad = output_grad factor + (input - mean) grad_slope + grad_shift
  const float* grad_shift = nullptr;
};

}  // namespace lapel::kernels
