#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plan/gradient_flow.h"
#include "plan/placement.h"
#include "plan/program.h"

namespace lapel::plan {

/// What an instruction's operator wants of memory.
struct OperatorMemory {
  std::size_t saved = 0;    ///< Bytes that it keeps from forward to backward.
  std::size_t scratch = 0;  ///< Bytes of no value between calls.
  bool backward_reads_inputs = false;
  bool backward_reads_output = false;
};

/// Where everything that a step needs lies in one stretch of memory: values, the gradients of values, what operators
/// save, and scratch that all share. What never lives at the same moment may share its place. Moments are the forward
/// instructions, the loss, then the backward instructions in reverse.
class MemoryPlan {
 public:
  /// `operators`: by instruction. `number_bytes`: of one number of every sample. `sum_scratch`: bytes that adding up
  /// the parts of a gradient wants.
  MemoryPlan(const Program& program, const GradientFlow& flow, std::span<const OperatorMemory> operators,
             std::size_t number_bytes, std::size_t sum_scratch);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// The others are offsets in bytes.
  [[nodiscard]] std::size_t value(std::size_t value) const { return offsets_[values_[value]]; }
  [[nodiscard]] std::size_t saved(std::size_t instruction) const { return offsets_[saved_[instruction]]; }
  [[nodiscard]] std::size_t scratch() const { return offsets_[scratch_]; }
  /// Where the loss writes the gradient of the logits. Only in training.
  [[nodiscard]] std::size_t loss_gradient() const { return offsets_[loss_gradient_]; }
  /// The gradient of a value, of all its parts.
  [[nodiscard]] std::size_t gradient(std::size_t value) const { return offsets_[totals_[value]]; }
  /// The parts of which it is the sum; one part is the gradient itself.
  [[nodiscard]] std::vector<std::size_t> gradient_parts(std::size_t value) const;
  /// Where an instruction writes the gradient of each of its inputs; kNone for one without.
  [[nodiscard]] std::vector<std::size_t> input_gradients(std::size_t instruction) const;

 private:
  std::size_t add(std::size_t bytes);
  void make_gradients(const Program& program, const GradientFlow& flow, std::size_t number_bytes);
  void touch(std::size_t piece, std::size_t moment);
  void live_forward(const Program& program);
  void live_backward(const Program& program, const GradientFlow& flow, std::span<const OperatorMemory> operators);

  std::vector<Lifetime> pieces_;
  std::vector<std::size_t> offsets_;  // by piece; the others hold pieces
  std::vector<std::size_t> values_;
  std::vector<std::size_t> saved_;
  std::vector<std::size_t> totals_;                        // by value, or kNone
  std::vector<std::vector<std::size_t>> parts_;            // by value
  std::vector<std::vector<std::size_t>> input_gradients_;  // by instruction, or kNone
  std::size_t loss_gradient_ = kNone;
  std::size_t scratch_ = kNone;
  std::size_t bytes_ = 0;
};

}  // namespace lapel::plan
