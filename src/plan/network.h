#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lapel/data.h"
#include "model/model.h"
#include "model/views.h"
#include "plan/parameters.h"
#include "plan/plan.h"

namespace lapel::plan {

struct NetworkOptions {
  kernels::Dtype dtype = kernels::Dtype::kFloat32;
  int threads = 1;
  float scale = 1.0F / 255.0F;
  /// What it will mostly run: the plan for this batch and mode chooses the layouts of the weights.
  std::int64_t main_batch = 32;
  bool training = false;
  /// Weights change by `set_weights` alone, so that normalizations are computed into those of the products before them.
  bool frozen = false;
  kernels::MakeOperator make_operator = kernels::make_operator;  ///< Or plain kernels: for tests.
};

/// Bytes that a network holds.
struct NetworkMemory {
  std::size_t parameters = 0;  ///< Weights, and their copies in bfloat16.
  std::size_t gradients = 0;   ///< Of the weights.
  std::size_t optimizer_state = 0;
  std::size_t activations = 0;  ///< Of all plans: values, their gradients, workspace.
};

/// A model with its weights and the plans made for it so far, which share the weights. Not for two threads at a time.
/// What wants more memory than is free throws Error (kIo) with the figures, before it takes any; predictions take
/// smaller batches first.
class Network {
 public:
  Network(model::Model model, const NetworkOptions& options);

  [[nodiscard]] const model::Model& model() const { return model_; }
  [[nodiscard]] Parameters& parameters() { return *parameters_; }
  [[nodiscard]] const Parameters& parameters() const { return *parameters_; }
  [[nodiscard]] const NetworkOptions& options() const { return options_; }

  /// Sets all weights from those of the model, in its order, each in Keras's layout. Throws Error (kInternal) for those
  /// of another model.
  void set_weights(std::span<const std::span<const float>> weights);

  /// Made at the first call for this batch and mode, then kept. Throws Error (kInternal) for training with frozen
  /// weights.
  [[nodiscard]] Plan& plan(std::int64_t batch, bool training);
  /// The same without the memory that it runs in: for what a plan says of itself.
  [[nodiscard]] Plan& planned(std::int64_t batch, bool training);

  /// The batch, at most `batch`, in which predictions run fastest: less where a convolution's activations would outgrow
  /// the caches, or memory does not suffice. The answer is kept.
  [[nodiscard]] std::int64_t inference_batch(std::int64_t batch);

  /// Probabilities of `count` pictures from `first` on, count x classes, in batches of at most `batch`.
  void predict(const std::uint8_t* pixels, std::int64_t first, std::int64_t count, std::int64_t batch,
               std::span<float> probabilities);
  /// The same of what `views` show of the pictures, which are of the size `picture`: the softmax of the mean of the
  /// logits, each view by its weight.
  void predict(std::span<const model::View> views, const Shape& picture, const std::uint8_t* pixels, std::int64_t count,
               std::int64_t batch, std::span<float> probabilities);
  /// Sums of loss and of right answers over the same, without probabilities.
  [[nodiscard]] kernels::LossResult evaluate(const LabeledPictures& pictures, std::int64_t first, std::int64_t count,
                                             std::int64_t batch, const LossRule& loss);

  /// Bytes of weights with their state, and of the memory of all plans.
  [[nodiscard]] NetworkMemory memory() const;

 private:
  struct Entry {
    bool training;
    std::unique_ptr<Plan> plan;
  };
  /// Throws Error (kIo) where the plan, and weights that are still to be made, want more than `free` bytes.
  void check_fits(const Plan& plan, std::size_t free) const;
  [[nodiscard]] std::vector<kernels::WeightLayout> stored_layouts() const;
  [[nodiscard]] std::unique_ptr<Plan> make_plan(std::int64_t batch, bool training,
                                                std::span<const kernels::WeightLayout> stored) const;

  model::Model model_;
  NetworkOptions options_;
  std::vector<Parameter> program_parameters_;
  std::unique_ptr<Parameters> parameters_;  // plans hold pointers into it
  std::vector<Entry> plans_;
  std::vector<std::pair<std::int64_t, std::int64_t>> inference_batches_;  // asked for, found
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint8_t> seen_;  // a batch as a view shows it
  std::vector<float> logits_;
  std::vector<float> mean_logits_;
};

}  // namespace lapel::plan
