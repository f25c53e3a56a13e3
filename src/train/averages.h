#pragma once

#include <cstdint>
#include <span>

#include "base/buffer.h"
#include "lapel/recipe.h"
#include "plan/parameters.h"

namespace lapel::training {

/// Means of the weights over the steps, as the recipe wants them. They cover every number of the model, the moving
/// statistics of BatchNormalization included, as timm's ModelEmaV3 and airbench do: mean weights with the statistics of
/// other weights would not fit together.
///
///  Lookahead (Zhang et al. 2019), every `lookahead_sync_period` steps: slow = d slow + (1 - d) weights, weights =
///  slow,
///    with d = (1 - lookahead_slow_step_size) progress^lookahead_ramp. The slow weights begin as the initial ones.
///  EMA (Keras 3's use_ema), every `ema_frequency` steps: mean = m mean + (1 - m) weights; the first time mean =
///  weights.
///    Every `ema_overwrite_frequency` steps then weights = mean.
///
/// Lookahead comes first where a step does both.
class Averages {
 public:
  /// Weights as they are before the first step.
  Averages(const TrainSpec& spec, plan::Parameters& parameters);

  /// After step `step` (from 1), before which the share `progress` of the training was done. Allocates nothing.
  void after_step(plan::Parameters& parameters, std::int64_t step, double progress);

  /// The weights that are evaluated and saved after `step` steps, in the order of the arena.
  [[nodiscard]] std::span<const float> evaluated(plan::Parameters& parameters, std::int64_t step) const;

  /// Exchanges the weights with those that are evaluated and saved after `step` steps: the mean, else Lookahead's slow
  /// weights; does nothing where there are none (yet). A second call restores every bit.
  void exchange(plan::Parameters& parameters, std::int64_t step);

  /// For checkpoints; in the order of the arena. Empty without EMA, or Lookahead.
  [[nodiscard]] std::span<float> mean() { return mean_.as<float>(); }
  [[nodiscard]] std::span<float> slow() { return slow_.as<float>(); }

 private:
  /// Those of `evaluated` where they are not the weights themselves; null.
  [[nodiscard]] const Buffer* others(std::int64_t step) const;

  double momentum_;
  std::int64_t frequency_;
  std::int64_t overwrite_;
  std::int64_t sync_period_;
  double slow_step_size_;
  double ramp_;
  Buffer mean_;
  Buffer slow_;
};

}  // namespace lapel::training
