#include "plan/passes/conv_pool.h"

namespace lapel::plan {

void conv_pool(Program& program) {
  for (std::size_t i = 0; i < program.instructions.size();) {
    const auto* pool = std::get_if<kernels::Pool2DOp>(&program.instructions[i].op);
    Instruction* const producer = pool == nullptr ? nullptr : program.sole_producer(program.instructions[i]);
    const auto* conv = producer == nullptr ? nullptr : std::get_if<kernels::Conv2DOp>(&producer->op);
    if (conv != nullptr && kernels::fits_conv_pool(*conv, *pool) &&
        !program.depends_on_weights(producer->inputs.front())) {
      producer->op = kernels::ConvPoolOp{*conv, *pool};
      program.join_into_producer(*producer, i);
    } else {
      ++i;
    }
  }
}

}  // namespace lapel::plan
