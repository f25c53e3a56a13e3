#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "plan/operator_facts.h"
#include "plan/program.h"
#include "plan/verify.h"

/// Programs written by hand, for tests of what rewrites and checks them.
namespace lapel::plan::test {

using Values = std::vector<std::size_t>;

/// Adds one instruction after another. Each comes from a layer of its own, `a`, `b`, ..., and has its weights: `a0`,
/// `a1`, ...
class HandMade {
 public:
  explicit HandMade(bool training = true) { program_.training = training; }

  /// The value that it gives.
  std::size_t add(const kernels::Op& op, Values inputs = {}) {
    const OperatorFacts facts = operator_facts(op);
    const std::size_t layer = program_.layer_names.size();
    program_.layer_names.emplace_back(1, static_cast<char>('a' + layer));
    const std::size_t first = program_.parameters.size();
    for (std::size_t i = 0; i < facts.weights.size(); ++i) {
      program_.parameters.push_back({program_.layer_names.back() + std::to_string(i), {}});
      program_.parameters.back().spec.shape = facts.weights[i];
    }
    const std::size_t value = program_.add_value(facts.output);
    program_.instructions.push_back({op, std::move(inputs), value, first, facts.weights.size(), layer});
    return value;
  }
  /// Pictures of one channel, or of more.
  std::size_t input(std::int64_t size) { return add(kernels::InputOp{size, 0.5F}); }

  /// The program whose logits are the last value.
  [[nodiscard]] Program program() const {
    Program made = program_;
    made.logits = made.instructions.back().output;
    verify(made, "writing it by hand");
    return made;
  }

 private:
  Program program_;
};

/// The text of a program after a pass, which leaves it right.
inline std::string text_after(void (*pass)(Program&), Program program) {
  pass(program);
  verify(program, "the pass");
  return to_text(program);
}

/// That a pass leaves a program as it is.
inline void expect_unchanged(void (*pass)(Program&), const Program& program) {
  EXPECT_EQ(text_after(pass, program), to_text(program));
}

}  // namespace lapel::plan::test
