#include "plan/gradient_flow.h"

#include <algorithm>

namespace lapel::plan {

GradientFlow gradient_flow(const Program& program) {
  GradientFlow flow;
  flow.has_gradient.resize(program.value_sizes.size());
  flow.parts.resize(program.value_sizes.size());
  for (const Instruction& instruction : program.instructions) {
    const bool through = std::any_of(instruction.inputs.begin(), instruction.inputs.end(),
                                     [&](std::size_t input) { return flow.has_gradient[input]; });
    const bool backward = program.training && (through || instruction.parameters > 0);
    flow.through_inputs.push_back(through);
    flow.backward.push_back(backward);
    flow.has_gradient[instruction.output] = backward;
    for (const std::size_t input : instruction.inputs) {
      flow.parts[input] += flow.has_gradient[input] ? 1 : 0;
    }
  }
  flow.parts[program.logits] += program.training ? 1 : 0;
  return flow;
}

bool passes_gradient_on(const Instruction& instruction) {
  const auto* const sum = std::get_if<kernels::AddOp>(&instruction.op);
  return sum != nullptr && sum->scale == 1;
}

}  // namespace lapel::plan
