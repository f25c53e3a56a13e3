#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// How many activations per sample an operator of one input takes and gives.
struct ActivationSizes {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// An operator on bfloat16 activations and weights that computes with `inner`, which is made for floats: operands
/// are widened into scratch before, results rounded after. `inner` has one input or none; weights of more than one
/// dimension are widened.
[[nodiscard]] std::unique_ptr<Operator> make_widened(std::unique_ptr<Operator> inner, const ActivationSizes& sizes,
                                                     const BuildOptions& options);

}  // namespace lapel::kernels
