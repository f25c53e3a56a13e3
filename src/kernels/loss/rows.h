#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu.h"

namespace lapel::kernels {

/// The arguments of loss.cpp. One of `labels` and `targets` is null; `grad` may be.
struct LossRows {
  Dtype dtype = Dtype::kFloat32;
  const void* logits = nullptr;
  const std::uint16_t* labels = nullptr;
  const float* targets = nullptr;
  std::size_t classes = 0;
  float label_smoothing = 0;
  float grad_scale = 1;
  void* grad = nullptr;
};

}  // namespace lapel::kernels
