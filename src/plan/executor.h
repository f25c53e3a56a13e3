#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/operator.h"
#include "plan/batch_loss.h"
#include "plan/gradient_flow.h"
#include "plan/memory_plan.h"
#include "plan/parameters.h"
#include "plan/program.h"
#include "plan/step_observer.h"

namespace lapel::plan {

/// For what a plan is made.
struct PlanOptions {
  std::int64_t batch = 32;
  bool training = false;
  kernels::Dtype dtype = kernels::Dtype::kFloat32;
  float scale = 1.0F / 255.0F;  ///< What pixels are multiplied with.
  bool frozen = false;          ///< Weights do not change any more: some are computed into others. Not for training.
  kernels::MakeOperator make_operator = kernels::make_operator;
};

/// Runs a program: its operators, made once, over memory that is allocated once, when it is bound.
class Executor {
 public:
  /// `program` must live as long as this. `stored`: the layouts of its parameters; empty: the operators choose them.
  Executor(const Program& program, const PlanOptions& options, std::int64_t classes,
           std::span<const kernels::WeightLayout> stored);

  /// Takes the memory.
  void bind(Parameters& parameters);
  void observe(StepObserver* observer) { observer_ = observer; }

  /// Forward, loss and backward. `rules`: one for each parameter, by which it is updated as soon as its gradient is
  /// there; or none: gradients are stored. Where the loss is not finite and there are rules, no weight changes. Throws
  /// Error (kInternal) where the parameters lack the state that a rule needs.
  kernels::LossResult train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                 std::span<const kernels::UpdateRule> rules);
  /// Forward and loss; `probabilities` (batch x classes) may be empty.
  kernels::LossResult evaluate(const Batch& batch, const LossRule& loss, std::span<float> probabilities);
  /// Forward alone. `probabilities` (batch x classes): those of the logits; null: not wanted.
  void forward(const Batch& batch, const StepKey& key, float* probabilities = nullptr);
  /// The logits that the last forward gave, as floats.
  void read_logits(std::span<float> logits);

  [[nodiscard]] const PlanOptions& options() const { return options_; }
  [[nodiscard]] const GradientFlow& flow() const { return flow_; }
  [[nodiscard]] const kernels::Operator& op(std::size_t instruction) const { return *operators_[instruction]; }
  /// One for each parameter of the program.
  [[nodiscard]] const std::vector<kernels::WeightLayout>& layouts() const { return layouts_; }
  [[nodiscard]] std::size_t bytes() const { return memory_.bytes(); }
  /// Bound to; null before.
  [[nodiscard]] const Parameters* parameters() const { return parameters_; }
  /// Whether gradients are stored that a fused update would not need.
  [[nodiscard]] bool stores_gradients() const { return stores_gradients_; }

 private:
  using Rules = std::span<const kernels::UpdateRule>;

  using Operators = std::vector<std::unique_ptr<kernels::Operator>>;

  [[nodiscard]] std::unique_ptr<kernels::Operator> make(const kernels::Op& op,
                                                        const kernels::BuildOptions& build) const;
  [[nodiscard]] Operators make_operators(std::span<const kernels::WeightLayout> stored) const;
  [[nodiscard]] Operators make_sums() const;
  [[nodiscard]] MemoryPlan plan_memory() const;

  void bind_instruction(std::size_t index);
  void bind_parameters(std::size_t index, kernels::Binding& binding);
  void bind_sum(std::size_t value);

  /// Softmax of the logits.
  void softmax(float* probabilities);
  kernels::LossResult forward_and_loss(const Batch& batch, const LossRule& loss, const StepKey& key);
  void backward(const kernels::StepState& now, Rules rules);
  void update(const Instruction& instruction, Rules rules);
  void store_gradients();
  [[nodiscard]] static Rules rules_of(const Instruction& instruction, Rules rules);
  /// Whether the operator of an instruction, by these rules, updates its weights itself, in backward.
  [[nodiscard]] bool has_fused_update(std::size_t index, Rules own_rules) const;

  [[nodiscard]] kernels::StepState state(const Batch& batch, const StepKey& key) const;
  [[nodiscard]] void* at(std::size_t offset) { return buffer_.data() + offset; }
  /// Calls `body`, with a Team where every operator can use one.
  template <class F>
  void in_team(bool all_can, const F& body) const {
    if (all_can && works_in_team_) {
      Team::with(body);
    } else {
      body();
    }
  }
  void tell(StepPart part, std::size_t instruction) const {
    if (observer_ != nullptr) {
      observer_->on_part(part, instruction);
    }
  }

  const Program& program_;
  PlanOptions options_;
  std::int64_t classes_;
  GradientFlow flow_;
  Operators operators_;  // by instruction
  std::vector<kernels::WeightLayout> layouts_;
  Operators sums_;  // by value; null but where a gradient has several parts
  MemoryPlan memory_;
  Buffer buffer_;
  BatchLoss loss_;
  bool works_in_team_ = false;
  StepObserver* observer_ = nullptr;
  Parameters* parameters_ = nullptr;
  bool stores_gradients_ = false;
};

}  // namespace lapel::plan
