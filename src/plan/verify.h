#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/program.h"

namespace lapel::plan {

/// What is wrong with a program, a line a fault; empty where all of this is true:
/// - every value is defined, once, before it is read; an instruction reads as many as its operator takes, and each has
///   the size that the operator gives or takes;
/// - every value that is defined is read by an instruction or the loss; one that is not defined has the size 0;
/// - the logits are defined;
/// - every parameter is read by one instruction, in their order; an instruction has as many as its operator, of its
///   shapes;
/// - each instruction comes from a layer of the model.
[[nodiscard]] std::vector<std::string> faults(const Program& program);

/// Throws Error (kInternal) with the faults and the program's text, if there are any. `after`: what made it.
void verify(const Program& program, std::string_view after);

}  // namespace lapel::plan
