#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// Pixels of the samples of a step, a byte each, to batch x size activations, times InputOp::scale; in bfloat16 rounded
/// to nearest even. Backward does nothing: pixels have no gradient. Throws Error (kInternal) where a step has not as
/// many samples as the batch.
[[nodiscard]] std::unique_ptr<Operator> make_input_operator(const InputOp& op, const BuildOptions& options);

/// Keeps which numbers were dropped from forward to backward, a byte each: to draw them again would take longer than to
/// read a byte.
[[nodiscard]] std::unique_ptr<Operator> make_dropout_operator(const DropoutOp& op, const BuildOptions& options);

/// The sum of all inputs in their order, in float, times the scale; each input's gradient is the output's, times it.
[[nodiscard]] std::unique_ptr<Operator> make_add_operator(const AddOp& op, const BuildOptions& options);

/// A fused gelu is that of gelu.cpp: in float it is exact but for 4e-7 of the input; in bfloat16, whose own error is
/// greater, for 7e-5 of it, and its derivative for 4e-4. Sums are made in float over some thousand numbers, then in
/// double.
[[nodiscard]] std::unique_ptr<Operator> make_batch_norm_operator(const BatchNormOp& op, const BuildOptions& options);

}  // namespace lapel::kernels
