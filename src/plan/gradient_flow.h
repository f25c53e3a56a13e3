#pragma once

#include <cstddef>
#include <vector>

#include "plan/program.h"

namespace lapel::plan {

/// Which gradients a step of a program computes.
struct GradientFlow {
  std::vector<bool> backward;        ///< By instruction: whether it has weights or some come before it.
  std::vector<bool> through_inputs;  ///< By instruction: whether one of its inputs has a gradient.
  std::vector<bool> has_gradient;    ///< By value.
  /// By value: how many parts add up to its gradient, one for each time that it is read, by the loss too.
  std::vector<std::size_t> parts;
};

/// Nothing has a gradient where the program is not for training.
[[nodiscard]] GradientFlow gradient_flow(const Program& program);

/// Whether the gradient of each input is that of the output, so that backward is no work: a sum without a factor.
[[nodiscard]] bool passes_gradient_on(const Instruction& instruction);

}  // namespace lapel::plan
