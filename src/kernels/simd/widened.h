#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// An operator on bfloat16 activations and weights that computes with `inner`, which is made for floats: operands
/// are widened into scratch before, results rounded after. `inner` computes `op`, which has one input or none; weights
/// of more than one dimension are widened, in their stored layout. Gradients of weights are floats in every plan.
[[nodiscard]] std::unique_ptr<Operator> make_widened(std::unique_ptr<Operator> inner, const OpInfo& op,
                                                     const BuildOptions& options);

}  // namespace lapel::kernels
