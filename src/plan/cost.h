#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/operator.h"
#include "plan/gradient_flow.h"
#include "plan/program.h"

namespace lapel::plan {

/// One line of the table of instructions. Of the whole batch; arithmetic is that of products, bytes are what must be
/// read and written at least, each number once.
struct InstructionInfo {
  std::string layer;
  std::string op;
  std::string implementation;
  std::int64_t flop = 0;  ///< Forward.
  std::int64_t backward_flop = 0;
  std::int64_t bytes =
      0;  ///< Inputs (of the first instruction: pixels), weights, output, and what is kept for backward.
  std::int64_t backward_bytes = 0;  ///< What backward reads of these, and the gradients, or the fused update.
  std::int64_t update_bytes = 0;    ///< Gradients read, weights and optimizer state read and written.
};

/// What the instructions of a program cost.
class Cost {
 public:
  /// All must live as long as this.
  Cost(const Program& program, const GradientFlow& flow, std::int64_t batch, kernels::Dtype dtype)
      : program_(program), flow_(flow), batch_(batch), dtype_(dtype) {}

  /// Of an instruction that `op` runs. `optimizer_states`: numbers of state per weight. `stores_gradients`: whether
  /// also operators that could update their weights themselves store gradients.
  [[nodiscard]] InstructionInfo of(std::size_t index, const kernels::Operator& op, std::size_t optimizer_states,
                                   bool stores_gradients) const;

 private:
  [[nodiscard]] std::size_t value_bytes(std::size_t value) const;
  [[nodiscard]] std::size_t weight_bytes(const kernels::Operator& op) const;
  [[nodiscard]] std::size_t trainable_numbers(std::size_t index, const kernels::Operator& op) const;
  [[nodiscard]] std::size_t forward_bytes(std::size_t index, const kernels::Operator& op) const;
  [[nodiscard]] std::size_t backward_bytes(std::size_t index, const kernels::Operator& op) const;

  const Program& program_;
  const GradientFlow& flow_;
  std::int64_t batch_;
  kernels::Dtype dtype_;
};

}  // namespace lapel::plan
