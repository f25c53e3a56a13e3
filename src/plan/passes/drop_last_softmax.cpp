#include "plan/passes/drop_last_softmax.h"

namespace lapel::plan {

void drop_last_softmax(Program& program) {
  const Instruction& last = program.instructions.back();
  const auto* activation = std::get_if<kernels::ActivationOp>(&last.op);
  if (activation != nullptr && activation->kind == kernels::ActivationKind::kSoftmax && last.output == program.logits) {
    program.bypass(program.instructions.size() - 1);
  }
}

}  // namespace lapel::plan
