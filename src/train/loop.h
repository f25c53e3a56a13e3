#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "data/splits.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "lapel/train.h"
#include "plan/network.h"
#include "store/checkpoint.h"
#include "train/budget.h"

namespace lapel::training {

/// What the loop is given: pictures divided, and how to train.
struct LoopInput {
  const LabeledPictures& pictures;
  data::Splits splits;
  const TrainSpec& spec;
  TrainObserver* observer = nullptr;  ///< May be null.
  std::stop_token stop;
  /// Called on the training thread after each epoch with what there is so far; may be empty.
  std::function<void(const std::vector<EpochResult>&)> after_epoch = {};
  /// Called with the number of each step (from 1, over all epochs) and its mean loss; may be empty.
  std::function<void(std::int64_t, double)> after_step = {};
  /// The time, in seconds from any beginning; empty: a steady clock.
  std::function<double()> now = {};
  /// On the clock `now`: ends by then, however many epochs it takes; the spec's are not looked at.
  std::optional<TimeLimit> limit = {};
  /// Goes on from here; null: from the network's weights.
  const store::Checkpoint* resume = nullptr;
  /// Called with what is needed to go on (without recipe and checksum): after an epoch, where the last call was
  /// `checkpoint_seconds` ago, and where the training is stopped. To keep it from costing much, an epoch passes without
  /// where calls took more than a fiftieth of the time so far. May be empty.
  std::function<void(store::Checkpoint)> save = {};
  double checkpoint_seconds = 300;
  /// Of an ensemble, from 1; for the observer.
  std::int64_t member = 1;
  std::int64_t members = 1;
};

struct LoopResult {
  std::vector<EpochResult> history;
  std::int64_t steps = 0;
  double seconds = 0;
  bool interrupted = false;
};

/// Trains the weights of `network`, which was made for training at the spec's batch size (or the number of training
/// pictures, if that is less), from where they are. The last, partial batch of an epoch is kept, as Keras does.
/// Where the spec asks for means of the weights, validation is measured with them, and the network has them at the end.
/// With a time limit the schedule follows the clock, and the last epoch ends where the time does; its line in the
/// history is over the steps that it had.
/// After the first epoch's set-up nothing is allocated in a step. Throws Error (kNumeric) at the first step whose
/// loss is not finite, before the weights are changed by it.
[[nodiscard]] LoopResult run_loop(plan::Network& network, const LoopInput& input);

/// The batch size that training and evaluation use: the spec's, or all there is if that is less.
[[nodiscard]] std::int64_t effective_batch(const TrainSpec& spec, std::int64_t samples);

/// The loss of a spec (see options.h). Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] plan::LossRule make_loss(const TypedSpec& spec);

}  // namespace lapel::training
