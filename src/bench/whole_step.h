#pragma once

#include <cstdint>

#include "bench/stopwatch.h"
#include "data/splits.h"
#include "lapel/bench.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "plan/network.h"

namespace lapel::measuring {

/// What is measured.
struct Work {
  plan::Network& network;
  const LabeledPictures& pictures;
  data::SampleRange range;  ///< Of the pictures: those that are used.
  const TrainSpec& train;
  BenchMode mode = BenchMode::kTrain;
  std::int64_t batch = 0;
  std::int64_t steps = 0;  ///< How many are measured; 0: as many as fit into a second, at least 20.
};

/// Hears of the end of each step.
class StepEnd {
 public:
  virtual ~StepEnd() = default;
  virtual void on_end(bool taken) = 0;
};

/// Runs steps until `watch` has enough: of the training loop, or predictions, each of the next `batch` pictures in
/// their order. In a training only whole batches count, and not the first step of an epoch, in whose time the order of
/// the epoch is made; where an epoch has no other step, that one does. `end` may be null.
void run_steps(const Work& work, Stopwatch& watch, StepEnd* end);

/// The time of whole steps, with nothing measured inside them.
[[nodiscard]] TimeStatistics time_steps(const Work& work);

}  // namespace lapel::measuring
