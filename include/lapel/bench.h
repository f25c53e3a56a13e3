#pragma once

#include <cstdint>
#include <string>

#include "lapel/recipe.h"

/// How fast this machine runs a recipe (docs/bench.md).
namespace lapel {

/// What is measured: steps of a training, or the use of a trained model.
enum class BenchMode { kTrain, kPredict };

struct BenchSettings {
  BenchMode mode = BenchMode::kTrain;
  /// How many steps (predictions of one batch) are measured after the warm-up; 0: as many as fit into a second, at
  /// least 20.
  std::int64_t steps = 0;
};

/// Of a number of measurements.
struct TimeStatistics {
  std::int64_t count = 0;
  double median = 0;  ///< Milliseconds, as the others.
  double min = 0;
  double q1 = 0;  ///< First quartile: a quarter of the measurements are below.
  double q3 = 0;
};

/// Bytes. What the plan and the parameters say, and what the system says of the process.
struct BenchMemory {
  std::int64_t parameters = 0;  ///< Weights, and their copies in bfloat16.
  std::int64_t gradients = 0;   ///< Of the weights.
  std::int64_t optimizer_state = 0;
  std::int64_t activations = 0;   ///< All that a plan holds: values, their gradients, workspace.
  std::int64_t data_set = 0;      ///< Pixels and labels.
  std::int64_t program = 0;       ///< Resident before the data set was read: code and libraries.
  std::int64_t loading_peak = 0;  ///< Most that was resident while the data set was read, without `program`.
  std::int64_t peak = 0;          ///< Most that was resident while the steps ran.
  /// (peak - program - data set) / (parameters + gradients + optimizer state + activations).
  double ratio = 0;
};

struct BenchResult {
  std::string recipe;
  BenchMode mode = BenchMode::kTrain;
  std::int64_t batch = 0;
  std::string precision;  ///< `float32` or `bfloat16`: what was used.
  int threads = 0;
  std::int64_t parameters = 0;
  std::string cpu;
  std::string isa;
  std::string lapel_version;
  std::string onednn_version;
  double load_seconds = 0;  ///< Reading and preparing the data set.
  double plan_seconds = 0;  ///< Making weights and plan, every primitive included.
  std::int64_t flop = 0;    ///< Arithmetic of the products of one step (one batch), 2 per multiply-add.
  double gflops = 0;        ///< `flop` over the median of `step`.
  /// One step: gathering a batch, forward, loss, backward, update; or one prediction, from pixels to probabilities.
  TimeStatistics step;
  BenchMemory memory;
};

/// Runs steps of the recipe's training, or predictions in batches of its batch size, on its data set, and measures
/// them. A training step is one of the real loop: real batches in the recipe's order, weights that change. Weights are
/// the initial ones. Throws Error as load_data and train do.
[[nodiscard]] BenchResult bench(const Recipe& recipe, const BenchSettings& settings = {});

}  // namespace lapel
