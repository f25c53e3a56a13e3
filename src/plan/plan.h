#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/loss/loss.h"
#include "kernels/operator.h"
#include "lapel/data.h"
#include "model/model.h"
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
  bool reference = false;       ///< Plain kernels instead of fast ones: for tests.
  bool frozen = false;          ///< Weights do not change any more: some are computed into others. Not for training.
};

/// The pictures of one step: rows `samples` of a data set's pixels and labels.
struct Batch {
  const std::uint8_t* pixels = nullptr;
  std::span<const Label> labels;           ///< Of the whole data set; may be empty where no loss is asked for.
  std::span<const std::uint32_t> samples;  ///< As many as the plan's batch.
  std::span<const std::uint32_t> next{};   ///< Of the step after this one, where they are known.
};

/// How the loss is computed.
struct LossRule {
  bool one_hot = false;  ///< Targets as rows of numbers (categorical_crossentropy) instead of class numbers.
  float label_smoothing = 0;
};

/// The random numbers of a step are functions of these and of the samples.
struct StepKey {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 1;
};

/// One line of the table of steps. Of the whole batch; arithmetic is that of products, bytes are what must be read and
/// written at least, each number once.
struct StepInfo {
  std::string layer;
  std::string op;
  std::string implementation;
  std::int64_t flop = 0;  ///< Forward.
  std::int64_t backward_flop = 0;
  std::int64_t bytes = 0;  ///< Inputs (of the first step: pixels), weights, output, and what is kept for backward.
  std::int64_t backward_bytes = 0;  ///< What backward reads of these, and the gradients, or the update in passing.
  std::int64_t update_bytes = 0;    ///< Gradients read, weights and optimizer state read and written.
};

/// A model at a fixed batch size, mode and number type: a list of steps over memory that is allocated once. Running
/// it makes nothing. It runs on the threads of the enclosing ThreadScope, the same number when made and when run.
class Plan {
 public:
  /// `stored`: the layouts of the program's parameters; empty: the plan chooses them. Call `bind` before running.
  Plan(const model::Model& model, const PlanOptions& options, std::span<const kernels::WeightLayout> stored);

  [[nodiscard]] const Program& program() const { return program_; }
  /// One for each parameter of the program.
  [[nodiscard]] const std::vector<kernels::WeightLayout>& layouts() const { return layouts_; }
  /// Fixes where weights are read and (in training) gradients written.
  void bind(Parameters& parameters);

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
  void observe(StepObserver* observer) { observer_ = observer; }

  [[nodiscard]] std::int64_t batch() const { return options_.batch; }
  [[nodiscard]] std::vector<StepInfo> steps() const;
  [[nodiscard]] bool has_convolution() const;
  /// Arithmetic of all steps, forward and, in training, backward.
  [[nodiscard]] std::int64_t flop() const;
  /// Bytes of activations, their gradients and workspace.
  [[nodiscard]] std::size_t bytes() const { return memory_.size(); }

 private:
  /// The gradient of a value: one part from each step that reads it, and their sum.
  struct Gradient {
    bool needed = false;
    std::vector<std::size_t> parts;  ///< Pieces of memory; one: it is the gradient itself.
    std::size_t total = 0;           ///< The piece that holds the sum.
    std::unique_ptr<kernels::Operator> sum;
  };
  struct Step {
    Instruction instruction;
    std::unique_ptr<kernels::Operator> op;
    bool backward = false;
    std::vector<std::size_t> input_grads;  ///< Pieces of memory, or kNone.
    std::size_t saved = 0;
    std::size_t run_end = 0;  ///< The step after the run of steps by rows that this one is in; 0 in none.
  };

  void make_steps(std::span<const kernels::WeightLayout> stored);
  void find_runs();
  void plan_gradients();
  void plan_memory();
  void bind_step(std::size_t index, Parameters& parameters);
  void bind_sums();
  /// Calls `body`, with a Team where every step can use one.
  template <class F>
  void in_team(bool all_can, const F& body) const {
    if (all_can && works_in_team_) {
      Team::with(body);
    } else {
      body();
    }
  }
  /// `probabilities` (batch x classes): those of the logits; null: not wanted.
  void forward(const Batch& batch, const StepKey& key, float* probabilities = nullptr);
  /// The steps of the run that begins with step `first`: threads divide the rows, and do not wait between steps.
  void forward_run(std::size_t first, const kernels::StepState& now, float* probabilities);
  /// Softmax of rows [begin, end) of the logits.
  void softmax(std::int64_t begin, std::int64_t end, float* probabilities);
  kernels::LossResult forward_and_loss(const Batch& batch, const LossRule& loss, const StepKey& key);
  void backward(const kernels::StepState& now, std::span<const kernels::UpdateRule> rules);
  void update(const Step& step, std::span<const kernels::UpdateRule> rules);
  void store_gradients();
  [[nodiscard]] static std::span<const kernels::UpdateRule> rules_of(const Step& step,
                                                                     std::span<const kernels::UpdateRule> rules);
  /// Whether this step's operator updates its weights itself.
  [[nodiscard]] static bool updates_in_passing(const Step& step, std::span<const kernels::UpdateRule> rules);
  kernels::LossResult compute_loss(const Batch& batch, const LossRule& loss, const StepKey& key, void* gradient);
  void fill_targets(const kernels::StepState& state);
  [[nodiscard]] kernels::StepState state(const Batch& batch, const StepKey& key) const;
  [[nodiscard]] void* piece(std::size_t index);
  [[nodiscard]] bool passes_gradient_on(const Step& step) const;
  [[nodiscard]] static bool needs_input_grad(const Step& step);
  [[nodiscard]] std::size_t value_bytes(std::size_t value) const;
  [[nodiscard]] std::size_t weight_bytes(const Step& step) const;
  [[nodiscard]] std::size_t forward_bytes(const Step& step) const;
  [[nodiscard]] std::size_t backward_bytes(const Step& step) const;
  [[nodiscard]] std::size_t gradient_bytes(const Step& step) const;
  [[nodiscard]] std::size_t update_bytes(const Step& step) const;
  void tell(StepPart part, std::size_t step) const {
    if (observer_ != nullptr) {
      observer_->on_part(part, step);
    }
  }

  PlanOptions options_;
  StepObserver* observer_ = nullptr;
  Program program_;
  std::vector<Step> steps_;
  std::vector<kernels::WeightLayout> layouts_;
  std::vector<Gradient> gradients_;  // by value
  std::vector<std::size_t> value_piece_;
  std::vector<std::size_t> piece_bytes_;
  std::vector<std::size_t> offsets_;  // by piece
  std::size_t scratch_ = 0;           // piece
  Buffer memory_;
  Parameters* parameters_ = nullptr;  // bound to
  std::vector<kernels::UpdateRule> rules_;
  bool stores_gradients_ = false;  // also those that an update would not need
  std::vector<Label> labels_;
  std::vector<float> targets_;
  std::vector<float> mixed_targets_;
  std::vector<std::size_t> mixing_;  // steps that mix the rows of a batch, and so their targets
  std::int64_t classes_ = 0;
  bool works_in_team_ = false;
};

}  // namespace lapel::plan
