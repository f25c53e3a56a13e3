#pragma once

#include <cstdint>

#include "data/splits.h"
#include "lapel/bench.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "plan/network.h"

namespace lapel::measuring {

/// What whole steps are measured on.
struct Work {
  plan::Network& network;
  const LabeledPictures& pictures;
  data::SampleRange range;  ///< Of the pictures: those that are used.
  const TrainSpec& train;
  std::int64_t batch = 0;
  std::int64_t steps = 0;  ///< How many are measured; 0: as many as fit into a second, at least 20.
};

/// Runs the training loop until enough steps were measured. Before that it runs at least 5 steps and a fifth of a
/// second to warm up. Only whole batches count, and not the first step of an epoch, in whose time the order of the
/// epoch is made; where an epoch has no other step, that one does.
[[nodiscard]] TimeStatistics time_training(const Work& work);

/// The same for predictions, each of the next `batch` pictures in their order.
[[nodiscard]] TimeStatistics time_prediction(const Work& work);

}  // namespace lapel::measuring
