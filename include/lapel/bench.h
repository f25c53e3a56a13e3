#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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
  /// Also measures the machine's limits and, in a run of their own, the parts of a step.
  bool parts = true;
  /// A safetensors file with the weights to begin with, as TrainSettings::init; empty: as the recipe's seed says. Of
  /// predictions, those of the whole ensemble.
  std::filesystem::path init;
  /// A file to write some steps with their parts to, as Chrome trace events (chrome://tracing, Perfetto); empty: none.
  /// Only with `parts`.
  std::filesystem::path trace;
};

/// How fast memory is when so many bytes are passed over again and again.
struct Bandwidth {
  std::int64_t bytes = 0;
  double gigabytes_per_second = 0;  ///< 10^9 bytes, read and written by an update in place.
};

/// What the machine can do at most: the two roofs of Williams, Waterman & Patterson 2009 ("Roofline").
struct MachineLimits {
  std::string cpu;
  std::string isa;
  std::string onednn_version;
  int threads = 0;
  double float32_gflops = 0;         ///< 10^9 FLOP a second of the fastest of a few square matrix products.
  double bfloat16_gflops = 0;        ///< The same; 0 where the CPU has no such product.
  std::vector<Bandwidth> bandwidth;  ///< From the caches to memory.
};

/// Measures them, in about two seconds. `threads` 0: all cores.
[[nodiscard]] MachineLimits measure_machine(int threads = 0);

/// One part of a step: a step of the plan, forward, backward, or the update of its weights where backward does not make
/// that in passing; the loss; what the loop does besides.
struct BenchPart {
  std::string layer;           ///< Empty for loss and loop.
  std::string op;              ///< `dense`, `conv2d`, ..., `loss` (`softmax` in predictions), `loop`
  std::string pass;            ///< `forward`, `backward`, `update`; empty for loss and loop.
  std::string implementation;  ///< As `brgemm:avx512_core`.
  double ms = 0;               ///< Median.
  std::int64_t flop = 0;
  std::int64_t bytes = 0;  ///< What must be read and written at least, each number once.
  double limit_ms = 0;     ///< No less time is possible: the larger of flop over peak and bytes over bandwidth.
  bool by_memory = false;  ///< The limit is that of memory.
};

/// Where the time of a step goes, against what the machine could do.
struct BenchParts {
  MachineLimits machine;            ///< Mean of before and after the parts were timed.
  std::int64_t working_set = 0;     ///< Bytes that a step passes over: parameters, gradients, state, activations.
  double gflops = 0;                ///< The peak of the precision used.
  double gigabytes_per_second = 0;  ///< The bandwidth at the working set.
  double ms = 0;                    ///< Sum of the parts' medians.
  double limit_ms = 0;              ///< Sum of the parts' limits.
  std::vector<BenchPart> parts;     ///< By the time lost, most first.
};

/// Of a number of measurements.
struct TimeStatistics {
  std::int64_t count = 0;
  double median = 0;  ///< Milliseconds, as the others.
  double min = 0;
  double q1 = 0;  ///< First quartile: a quarter of the measurements are below.
  double q3 = 0;
  double mean = 0;  ///< What a total says, as `bench/peers/compare` measures the other frameworks.
};

/// Bytes. What the plan and the parameters say, and what the system says of the process.
struct BenchMemory {
  std::int64_t parameters = 0;  ///< Weights, and their copies in bfloat16.
  std::int64_t gradients = 0;   ///< Of the weights.
  std::int64_t optimizer_state = 0;
  std::int64_t activations = 0;  ///< All that a plan holds: values, their gradients, workspace.
  std::int64_t data_set = 0;     ///< Pixels and labels.
  /// What was resident before the data set was read, and the code and constants of the program and its libraries that
  /// the steps needed beyond that: the system reads them from files when they are used, and may drop them.
  std::int64_t program = 0;
  std::int64_t loading_peak = 0;  ///< Most that was resident while the data set was read, beside what was before.
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
  std::int64_t parameters = 0;         ///< Of what ran.
  std::int64_t folded_parameters = 0;  ///< Those of normalizations that predictions have in the layers before them.
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
  std::optional<BenchParts> parts;
};

/// Runs steps of the recipe's training, or predictions in batches of its batch size, on its data set, and measures
/// them. A training step is one of the real loop: real batches in the recipe's order, weights that change. Weights are
/// the initial ones. Throws Error as load_data and train do, and (kIo) for a trace that cannot be written.
[[nodiscard]] BenchResult bench(const Recipe& recipe, const BenchSettings& settings = {});

}  // namespace lapel
