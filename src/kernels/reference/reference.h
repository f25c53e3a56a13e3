#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kernels/elementwise/relu.h"
#include "kernels/loss/loss.h"
#include "kernels/operator.h"
#include "kernels/update_rule.h"

/// Everything that kernels compute, in plain loops over the formulas with sums in double: what tests compare with.
/// Serial and slow; not in the library.
namespace lapel::kernels {

/// A MakeOperator. Weights are in the plain layouts. Throws Error (kInternal) for a ReshapeOp.
[[nodiscard]] std::unique_ptr<Operator> make_reference_operator(const Op& op, const BuildOptions& options);

void reference_relu_backward(Dtype dtype, const ReluBackward& relu, std::int64_t count);

void reference_sgd_update(const SgdRule& step, const UpdateSpan& span);
void reference_adam_update(const AdamRule& step, const UpdateSpan& span);

[[nodiscard]] LossResult reference_softmax_cross_entropy_dense(Dtype dtype, const void* logits,
                                                               std::span<const float> targets, std::int64_t classes,
                                                               float label_smoothing, float grad_scale, void* grad,
                                                               std::span<const float> row_weights = {});

}  // namespace lapel::kernels
