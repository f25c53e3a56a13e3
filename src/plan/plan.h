#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/model.h"
#include "plan/batch.h"
#include "plan/cost.h"
#include "plan/executor.h"
#include "plan/parameters.h"
#include "plan/program.h"
#include "plan/step_observer.h"

namespace lapel::plan {

/// A model at a fixed batch size, mode and number type: its program, and what runs it over memory that is allocated
/// once. Running it makes nothing. It runs on the threads of the enclosing ThreadScope, the same number when made and
/// when run.
class Plan {
 public:
  /// `stored`: the layouts of the program's parameters; empty: the plan chooses them. Call `bind` before running.
  Plan(const model::Model& model, const PlanOptions& options, std::span<const kernels::WeightLayout> stored);
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() = default;

  [[nodiscard]] const Program& program() const { return program_; }
  /// One for each parameter of the program.
  [[nodiscard]] const std::vector<kernels::WeightLayout>& layouts() const { return executor_.layouts(); }
  /// Takes the memory of activations; fixes where weights are read and (in training) gradients written.
  void bind(Parameters& parameters) { executor_.bind(parameters); }
  [[nodiscard]] bool is_bound() const { return executor_.parameters() != nullptr; }

  /// Forward, loss, and the gradient of the mean loss for every trainable weight, stored. Only of a plan for training.
  kernels::LossResult train_step(const Batch& batch, const LossRule& loss, const StepKey& key);
  /// The same, but each weight is updated by its gradient as soon as there is one; where a kernel does both at once,
  /// the gradient is not stored. Where the loss is not finite, no weight changes. Throws Error (kInternal) where the
  /// parameters lack the state that the rule needs.
  kernels::LossResult train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                 const kernels::UpdateRule& update);
  /// The same with a rule for each weight of the model, those that no gradient changes included.
  kernels::LossResult train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                 std::span<const kernels::UpdateRule> updates);
  /// Forward and loss. `probabilities` (batch x classes) may be empty.
  kernels::LossResult evaluate(const Batch& batch, const LossRule& loss, std::span<float> probabilities);
  /// Forward alone.
  void predict(const Batch& batch, std::span<float> probabilities);
  /// Forward alone, in the plan's mode; `logits` (batch x classes) gets what a softmax would make probabilities of.
  void logits(const Batch& batch, const StepKey& key, std::span<float> logits);

  /// Tells `observer` of every part of the steps to come; null: nobody.
  void observe(StepObserver* observer) { executor_.observe(observer); }

  [[nodiscard]] std::int64_t batch() const { return executor_.options().batch; }
  [[nodiscard]] std::vector<InstructionInfo> instructions() const;
  [[nodiscard]] bool has_convolution() const;
  /// Arithmetic of all instructions, forward and, in training, backward.
  [[nodiscard]] std::int64_t flop() const;
  /// Bytes of activations, their gradients and workspace; known before `bind` takes them.
  [[nodiscard]] std::size_t bytes() const { return executor_.bytes(); }
  /// Bytes of the weights as floats.
  [[nodiscard]] std::size_t weight_bytes() const;

 private:
  Program program_;
  Executor executor_;                       // of program_
  std::vector<kernels::UpdateRule> rules_;  // one for each weight, where all have the same
};

}  // namespace lapel::plan
