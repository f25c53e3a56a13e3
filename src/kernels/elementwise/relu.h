#pragma once

#include <cstdint>

#include "kernels/cpu.h"

namespace lapel::kernels {

/// Arrays of one type; `to` may be `output_grad`.
struct ReluBackward {
  const void* output = nullptr;
  const void* output_grad = nullptr;
  void* to = nullptr;
};

/// The gradient behind a relu: `output_grad` where `output` > 0, else 0. At the speed of memory, over all threads. From
/// the output, which is positive where the input was: the input need not live. `count` numbers of `dtype`.
void relu_backward(Dtype dtype, const ReluBackward& relu, std::int64_t count);

}  // namespace lapel::kernels
