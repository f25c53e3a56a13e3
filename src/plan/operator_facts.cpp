#include "plan/operator_facts.h"

namespace lapel::plan {

OperatorFacts operator_facts(const kernels::Op& op) {
  const kernels::OpInfo info = kernels::describe(op);
  OperatorFacts facts{std::vector(static_cast<std::size_t>(info.inputs), info.in), info.out, info.weights};
  facts.weights.insert(facts.weights.end(), info.statistics.begin(), info.statistics.end());
  return facts;
}

bool is_identity(const kernels::Op& op, bool training) {
  const kernels::OpInfo info = kernels::describe(op);
  return training ? info.is_identity : info.is_identity_in_evaluation;
}

kernels::ActivationKind* fusable_activation(kernels::Op& op) {
  return operator_facts(op).weights.empty() ? nullptr : kernels::fused_activation(op);
}

}  // namespace lapel::plan
