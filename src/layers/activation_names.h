#pragma once

#include <string_view>
#include <vector>

#include "base/shape.h"
#include "kernels/ops.h"

namespace lapel::layers {

/// Keras's names of the activations, for the choices of an option.
[[nodiscard]] std::vector<std::string_view> activation_names();

/// Throws Error (kInternal) for a name that is not among activation_names().
[[nodiscard]] kernels::ActivationKind activation_kind(std::string_view name);

/// Whether Dense and Conv2D compute it themselves.
[[nodiscard]] bool is_fused(kernels::ActivationKind kind);

/// The operator that applies `kind` to activations of `shape`, softmax over the last axis.
[[nodiscard]] kernels::Op activation_op(kernels::ActivationKind kind, const Shape& shape);

}  // namespace lapel::layers
