#pragma once

#include <cstdint>
#include <span>

#include "kernels/operator.h"
#include "kernels/ops.h"

/// Operators that mix the rows of a batch in training, and what they make of the targets.
namespace lapel::kernels {

/// Whether `op` is a MixUpOp or a CutMixOp: then the loss needs rows of targets and not class numbers.
[[nodiscard]] bool mixes_targets(const Op& op);

/// Targets (rows x classes) after `op`, from those before it: to[i] = w from[i] + (1 - w) from[j], with the weight w
/// and the partner j that the operator itself draws for row i. Only of an op that mixes_targets.
void mix_targets(const Op& op, const StepState& state, std::int64_t classes, std::span<const float> from,
                 std::span<float> to);

}  // namespace lapel::kernels
