#include "plan/passes/dense_on_pixels.h"

namespace lapel::plan {

void dense_on_pixels(Program& program) {
  for (Instruction& instruction : program.instructions) {
    const auto* dense = std::get_if<kernels::DenseOp>(&instruction.op);
    if (dense == nullptr || program.first_training_layer < instruction.layer) {
      continue;
    }
    const Instruction* const producer = program.sole_producer(instruction);
    const auto* chain = producer == nullptr ? nullptr : std::get_if<kernels::DenseChainOp>(&producer->op);
    if (chain != nullptr && kernels::fits_dense_on_pixels(*chain, *dense) && weights_adjoin(*producer, instruction)) {
      instruction.op = kernels::DenseOnPixelsOp{*chain, *dense};
      program.join_into_consumer(*producer, instruction);
      return;  // Only one layer can begin with the pictures.
    }
  }
}

}  // namespace lapel::plan
