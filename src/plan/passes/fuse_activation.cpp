#include "plan/passes/fuse_activation.h"

#include "plan/operator_facts.h"

namespace lapel::plan {

namespace {

using kernels::ActivationKind;

/// Where `producer` keeps the activation that it could apply; null where it cannot apply this one.
ActivationKind* place_for(ActivationKind kind, Instruction* producer) {
  if (producer == nullptr) {
    return nullptr;
  }
  const bool fits = kind == ActivationKind::kRelu ||
                    (kind == ActivationKind::kGelu && std::holds_alternative<kernels::BatchNormOp>(producer->op));
  ActivationKind* const place = fusable_activation(producer->op);
  return fits && place != nullptr && *place == ActivationKind::kLinear ? place : nullptr;
}

}  // namespace

void fuse_activation(Program& program) {
  for (std::size_t i = 0; i < program.instructions.size();) {
    const Instruction& instruction = program.instructions[i];
    const auto* activation = std::get_if<kernels::ActivationOp>(&instruction.op);
    Instruction* const producer = activation == nullptr ? nullptr : program.sole_producer(instruction);
    ActivationKind* const place = activation == nullptr ? nullptr : place_for(activation->kind, producer);
    if (place != nullptr) {
      *place = activation->kind;
      program.join_into_producer(*producer, i);
    } else {
      ++i;
    }
  }
}

}  // namespace lapel::plan
