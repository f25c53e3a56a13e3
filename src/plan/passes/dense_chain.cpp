#include "plan/passes/dense_chain.h"

namespace lapel::plan {

namespace {

/// Whether `chain` could take in the instruction that gives its input; its inputs and weights are then still to join.
bool take_in(const Instruction& producer, const Instruction& instruction, kernels::DenseChainOp& chain) {
  if (const auto* input = std::get_if<kernels::InputOp>(&producer.op); input != nullptr && chain.layers[0].in == 1) {
    chain.pixel_scale = input->scale;
    return true;
  }
  const auto* first = std::get_if<kernels::DenseChainOp>(&producer.op);
  if (first == nullptr || !weights_adjoin(producer, instruction)) {
    return false;
  }
  chain.layers.insert(chain.layers.begin(), first->layers.begin(), first->layers.end());
  chain.pixel_scale = first->pixel_scale;
  return true;
}

}  // namespace

void dense_chain(Program& program) {
  for (Instruction& instruction : program.instructions) {
    const auto* dense = std::get_if<kernels::DenseOp>(&instruction.op);
    if (dense != nullptr && kernels::fits_chain(*dense)) {
      instruction.op = kernels::DenseChainOp{{*dense}};
    }
  }
  for (std::size_t i = 0; i < program.instructions.size();) {
    Instruction& instruction = program.instructions[i];
    auto* chain = std::get_if<kernels::DenseChainOp>(&instruction.op);
    const Instruction* const producer = chain == nullptr ? nullptr : program.sole_producer(instruction);
    if (producer != nullptr && take_in(*producer, instruction, *chain)) {
      program.join_into_consumer(*producer, instruction);  // What follows is now at position i.
    } else {
      ++i;
    }
  }
}

}  // namespace lapel::plan
