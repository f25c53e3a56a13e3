#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "support/tiny.h"
#include "train/loop.h"

/// Trains a small network on 37 made-up pictures (5 steps an epoch at batch 8), 8 more for validation, on a clock that
/// steps move.
namespace lapel::training::test {

struct RunOptions {
  kernels::Dtype dtype = kernels::Dtype::kFloat32;
  int threads = 1;
  std::int64_t stop_after = -1;  ///< Steps; below 0: never.
  const store::Checkpoint* resume = nullptr;
  std::optional<double> time;  ///< Until its deadline; what follows the training takes `closing` then.
  double closing = 0;
  double step_seconds = 0;
  std::int64_t slower_after = std::numeric_limits<std::int64_t>::max();  ///< Steps that take 1 second; later ones 3.
  double checkpoint_seconds = 1e9;
  std::vector<Callback*> callbacks;
  bool validates = true;
  std::vector<float> class_weights = {};
  std::vector<std::vector<float>> initial;  ///< Weights; empty: by the seed.
  std::vector<LayerSpec> layers = {
      lapel::test::layer("Flatten"),
      lapel::test::layer("Dense", {{"units", std::int64_t{24}}, {"activation", std::string("relu")}}),
      lapel::test::layer("BatchNormalization"),
      lapel::test::layer("Dropout", {{"rate", 0.3}}),
      lapel::test::layer("Dense", {{"units", std::int64_t{4}}}),
  };
};

struct Outcome {
  LoopResult result;
  std::vector<double> losses;
  std::vector<std::vector<float>> weights;
  std::vector<store::Checkpoint> checkpoints;
  double end = 0;  ///< On the clock.
};

/// Notes losses, lets the clock run, and stops.
class Watcher : public Callback {
 public:
  Watcher(const RunOptions& options, Outcome& outcome, std::stop_source& stop)
      : options_(options), outcome_(outcome), stop_(stop) {}
  void on_step(Training& training) override {
    outcome_.losses.push_back(training.loss());
    outcome_.end += options_.step_seconds * (training.steps() > options_.slower_after ? 3 : 1);
    if (training.steps() == options_.stop_after) {
      stop_.request_stop();
    }
  }

 private:
  const RunOptions& options_;
  Outcome& outcome_;
  std::stop_source& stop_;
};

inline Outcome run(const TrainSpec& spec, const RunOptions& options = {}) {
  const auto pictures = lapel::test::tiny_pictures(45, 8, 6, 1, 4);
  plan::Network network(model::Model("m", options.layers, Shape::image(1, 8, 6)),
                        {options.dtype, options.threads, 1.0F / 255.0F, spec.batch_size, true});
  auto& parameters = network.parameters();
  parameters.initialize(static_cast<std::uint64_t>(spec.seed));
  for (std::size_t i = 0; i < options.initial.size(); ++i) {
    parameters.set(i, options.initial[i]);
  }
  Outcome outcome;
  outcome.end = options.resume != nullptr ? options.resume->seconds : 0;
  std::stop_source stop;
  if (options.stop_after == 0) {
    stop.request_stop();
  }
  Watcher watcher(options, outcome, stop);
  LoopInput input{pictures, {{0, 37}, {37, options.validates ? 8 : 0}}, spec, options.callbacks, stop.get_token()};
  input.class_weights = options.class_weights;
  input.callbacks.push_back(&watcher);
  input.now = [&] { return outcome.end; };
  std::optional<Deadline> deadline;
  if (options.time) {
    deadline.emplace(*options.time, input.now,
                     std::vector<ClosingTask>{{"closing", [&](double) {
                                                 return (std::ssize(outcome.losses) > options.slower_after ? 3 : 1) *
                                                        options.closing;
                                               }}});
    deadline->estimate();
    input.deadline = &*deadline;
  }
  input.resume = options.resume;
  input.save = [&](store::Checkpoint checkpoint) { outcome.checkpoints.push_back(std::move(checkpoint)); };
  input.save_model = [](const std::filesystem::path& file, const std::vector<formats::Tensor>& weights) {
    std::vector<formats::TensorView> views;
    for (const auto& tensor : weights) {
      views.push_back({tensor.name, tensor.shape, tensor.values});
    }
    formats::write_safetensors(file, {}, views);
  };
  input.checkpoint_seconds = options.checkpoint_seconds;
  outcome.result = run_loop(network, input);
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    outcome.weights.push_back(parameters.get(i));
  }
  return outcome;
}

}  // namespace lapel::training::test
