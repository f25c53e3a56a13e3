#pragma once

#include <span>
#include <string_view>

#include "plan/program.h"

namespace lapel::plan {

/// One rewriting of a program, which then computes the same faster.
struct Pass {
  std::string_view name;
  void (*run)(Program& program);
};

/// Every pass, in the order in which they run. The order and its reasons: passes/README.md.
[[nodiscard]] std::span<const Pass> passes();

/// Runs them all. What a pass leaves is verified; throws Error (kInternal), with the name of the pass, where it is
/// wrong.
void optimize(Program& program);

}  // namespace lapel::plan
