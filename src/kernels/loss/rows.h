#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu.h"

namespace lapel::kernels {

/// The arguments of loss.cpp. One of `labels` and `targets` is null; `grad` may be. Rows are dense, and none is padded.
struct LossRows {
  Dtype dtype = Dtype::kFloat32;
  const void* logits = nullptr;
  const std::uint16_t* labels = nullptr;
  const float* targets = nullptr;
  std::size_t classes = 0;
  float label_smoothing = 0;
  float grad_scale = 1;
  void* grad = nullptr;
  const float* row_weights = nullptr;  ///< Null: 1.

  [[nodiscard]] float weight_of(std::size_t row) const { return row_weights == nullptr ? 1.0F : row_weights[row]; }
};

}  // namespace lapel::kernels
