#pragma once

#include <string_view>
#include <vector>

#include "base/shape.h"
#include "kernels/ops.h"

namespace lapel::layers {

/// Keras's names of the activations, for the choices of an option.
[[nodiscard]] std::vector<std::string_view> activation_names();

/// What Dense and Conv2D compute themselves of an activation: kLinear where it is an operator of its own.
[[nodiscard]] kernels::ActivationKind fused_part(std::string_view name);

/// The operator that applies the activation to what has `shape`, softmax to its last axis. Throws Error (kInternal) for
/// a name that is not among activation_names().
[[nodiscard]] kernels::Op activation_op(std::string_view name, const Shape& shape);

/// The operators of `product` (a DenseOp or a Conv2DOp, linear as yet), and the activation of its
/// outputs, of `shape`.
template <class Product>
[[nodiscard]] std::vector<kernels::Op> with_activation(Product product, std::string_view name, const Shape& shape) {
  product.activation = fused_part(name);
  std::vector<kernels::Op> ops{product};
  if (product.activation == kernels::ActivationKind::kLinear && name != "linear") {
    ops.push_back(activation_op(name, shape));
  }
  return ops;
}

}  // namespace lapel::layers
