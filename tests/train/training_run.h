#pragma once

#include <algorithm>
#include <cstdint>
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
  std::optional<TimeLimit> limit;
  double step_seconds = 0;
  std::int64_t slower_after = std::numeric_limits<std::int64_t>::max();  ///< Steps that take 1 second; later ones 3.
  double checkpoint_seconds = 1e9;
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
  LoopInput input{pictures, {{0, 37}, {37, 8}}, spec, nullptr, stop.get_token()};
  input.after_step = [&](std::int64_t step, double loss) {
    outcome.losses.push_back(loss);
    outcome.end += options.step_seconds * (step > options.slower_after ? 3 : 1);
    if (step == options.stop_after) {
      stop.request_stop();
    }
  };
  input.now = [&] { return outcome.end; };
  input.limit = options.limit;
  input.resume = options.resume;
  input.save = [&](store::Checkpoint checkpoint) { outcome.checkpoints.push_back(std::move(checkpoint)); };
  input.checkpoint_seconds = options.checkpoint_seconds;
  outcome.result = run_loop(network, input);
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    outcome.weights.push_back(parameters.get(i));
  }
  return outcome;
}

}  // namespace lapel::training::test
