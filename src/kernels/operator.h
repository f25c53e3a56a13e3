#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/cpu.h"
#include "kernels/ops.h"
#include "kernels/update_rule.h"
#include "kernels/weight_layout.h"

namespace lapel::kernels {

/// For what a step is made. Threads are those of the enclosing ThreadScope, when making and when running.
struct BuildOptions {
  std::int64_t batch = 1;
  bool training = false;         ///< Also makes the backward computation.
  bool needs_input_grad = true;  ///< False for the first layer: its backward-data is never computed.
  Dtype dtype = Dtype::kFloat32;
  /// The layouts in which the weights are stored, in the order of the operator's weights. Empty: the operator
  /// chooses, and says what it chose in `weight_layouts()`. Where it is made for another layout than it likes
  /// best, it converts into its scratch at each run.
  std::vector<WeightLayout> stored_layouts;
};

/// The memory of one operator, bound once. Activations and their gradients are of the plan's dtype.
struct Binding {
  std::vector<const void*> inputs;  ///< batch x size
  std::vector<void*> input_grads;   ///< null where none is needed; overwritten, never added to
  void* output = nullptr;
  const void* output_grad = nullptr;
  std::vector<const void*> weights;     ///< In stored layouts and the plan's dtype (biases: always float).
  std::vector<float*> weight_grads;     ///< In stored layouts; overwritten. Null where each step updates in passing.
  void* saved = nullptr;                ///< `saved_bytes()`, kept from forward to backward
  void* scratch = nullptr;              ///< `scratch_bytes()`, of no value between calls; shared by all steps
  std::vector<float*> statistics = {};  ///< Weights that no gradient changes, but a training step's forward.
  /// For each weight, where it is updated; empty where no step has a rule. They may change between steps.
  std::vector<const UpdateTarget*> update_targets = {};
};

/// What changes from step to step.
struct StepState {
  const std::uint8_t* pixels = nullptr;    ///< The data set's pictures, n x h x w x c.
  std::span<const std::uint32_t> samples;  ///< Position in the data set of each row of the batch.
  /// Those of the next step, where they are known: an operator may fetch their pixels into its cache.
  std::span<const std::uint32_t> next_samples{};
  std::uint64_t seed = 0;
  std::uint32_t epoch = 1;
  bool training = false;
  /// How weights are updated: a rule for each weight of the operator, or none. Operators that do so in passing then
  /// store no gradient; others leave it to the caller.
  std::span<const UpdateRule> rules = {};
};

/// One operator at fixed sizes: made once, bound once, run often. Nothing is allocated when it runs.
/// Same inputs, threads and machine: same bits.
class Operator {
 public:
  Operator() = default;
  virtual ~Operator() = default;
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  /// Which implementation runs, as `x64:gemm:jit`, for tables of steps.
  [[nodiscard]] virtual std::string implementation() const = 0;
  /// One for each weight of the op, as stored; statistics after the others.
  [[nodiscard]] virtual std::vector<WeightLayout> weight_layouts() const { return {}; }
  [[nodiscard]] virtual std::size_t saved_bytes() const { return 0; }
  [[nodiscard]] virtual std::size_t scratch_bytes() const { return 0; }
  /// Whether backward reads the inputs or the output, which then must live until it has run.
  [[nodiscard]] virtual bool backward_reads_inputs() const { return false; }
  [[nodiscard]] virtual bool backward_reads_output() const { return false; }
  /// Whether backward, given a rule, updates the weights itself.
  [[nodiscard]] virtual bool has_fused_update() const { return false; }

  /// Whether all its parallel work is done by this project's own functions, and so can be by a Team.
  [[nodiscard]] virtual bool works_in_team() const { return false; }

  virtual void bind(const Binding& binding) = 0;
  virtual void forward(const StepState& state) = 0;
  /// Fills input_grads, and weight_grads or the weights themselves. Only of an operator made for training.
  virtual void backward(const StepState& state) = 0;
};

/// The fast operator for `op`: Lapel's own where it has one for this CPU, else oneDNN's. In bfloat16 on a CPU without
/// bfloat16 products it computes with floats from the same rounded numbers. ReshapeOp has none.
/// Throws Error (kInternal) for an op that cannot be made.
[[nodiscard]] std::unique_ptr<Operator> make_operator(const Op& op, const BuildOptions& options);

/// What makes a plan's operators: `make_operator`, or what a test hands in (make_reference_operator).
using MakeOperator = std::unique_ptr<Operator> (*)(const Op& op, const BuildOptions& options);

}  // namespace lapel::kernels
