#pragma once

#include <cstdint>
#include <vector>

#include "kernels/ops.h"

namespace lapel::plan {

/// What an operator takes and gives, in numbers per sample, and the shapes of its weights in their order.
struct OperatorFacts {
  std::vector<std::int64_t> inputs;
  std::int64_t output = 0;
  std::vector<std::vector<std::int64_t>> weights;
};

[[nodiscard]] OperatorFacts operator_facts(const kernels::Op& op);

/// Whether the output is the first input: a change of shape or a linear activation always, what happens in training
/// alone in evaluation.
[[nodiscard]] bool is_identity(const kernels::Op& op, bool training);

/// The activation that an operator with weights applies to its result at no cost; null for one that applies none.
[[nodiscard]] kernels::ActivationKind* fusable_activation(kernels::Op& op);

}  // namespace lapel::plan
