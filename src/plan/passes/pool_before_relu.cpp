#include "plan/passes/pool_before_relu.h"

#include <utility>

#include "plan/operator_facts.h"

namespace lapel::plan {

void pool_before_relu(Program& program) {
  using kernels::ActivationKind;
  using kernels::Pool2DOp;
  for (Instruction& instruction : program.instructions) {
    auto* pool = std::get_if<Pool2DOp>(&instruction.op);
    if (pool == nullptr || pool->kind != Pool2DOp::Kind::kMax ||
        pool->pool[0] * pool->pool[1] > Pool2DOp::kMostReluPlaces) {
      continue;
    }
    Instruction* const producer = program.sole_producer(instruction);
    ActivationKind* const activation = producer == nullptr ? nullptr : fusable_activation(producer->op);
    if (activation != nullptr && *activation == ActivationKind::kRelu) {
      pool->activation = std::exchange(*activation, ActivationKind::kLinear);
    }
  }
}

}  // namespace lapel::plan
