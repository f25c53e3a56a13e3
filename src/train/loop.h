#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "data/splits.h"
#include "formats/safetensors.h"
#include "lapel/callback.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "plan/network.h"
#include "store/checkpoint.h"
#include "train/deadline.h"

namespace lapel::training {

/// What the loop is given: pictures divided, and how to train.
struct LoopInput {
  const LabeledPictures& pictures;
  data::Splits splits;
  const TrainSpec& spec;  ///< Its `callbacks` are not looked at.
  /// In this order, each at each event. Checkpoints hold their states under their numbers here.
  std::vector<Callback*> callbacks = {};
  /// A request ends the training after the step in hand, as interrupted.
  std::stop_token stop = {};
  /// Factors of the loss of pictures in training, by their class; empty: 1. Validation is measured without them.
  std::span<const float> class_weights = {};
  /// The time, in seconds from any beginning; empty: a steady clock.
  std::function<double()> now = {};
  /// On the clock `now`: ends in time, however many epochs it takes; the spec's are not looked at. May be null.
  Deadline* deadline = nullptr;
  /// Goes on from here; null: from the network's weights.
  const store::Checkpoint* resume = nullptr;
  /// Called with what is needed to go on (without recipe and checksum) as BackupAndRestore says, and where the training
  /// is interrupted. May be empty.
  std::function<void(store::Checkpoint)> save = {};
  double checkpoint_seconds = 300;
  /// Writes a model file with these weights, for callbacks. May be empty.
  std::function<void(const std::filesystem::path&, std::vector<formats::Tensor>)> save_model = {};
  /// Of an ensemble, from 1; for callbacks.
  std::int64_t member = 1;
  std::int64_t members = 1;
};

struct LoopResult {
  std::vector<EpochResult> history;
  std::int64_t steps = 0;
  double seconds = 0;
  bool interrupted = false;
  std::string stopped_by;  ///< The reason of the callback that ended it, or nothing.
};

/// Trains the weights of `network`, which was made for training at the spec's batch size (or the number of training
/// pictures, if that is less), from where they are. The last, partial batch of an epoch is kept, as Keras does.
/// Where the spec asks for means of the weights, validation is measured with them, and the network has them at the end.
/// With a deadline the schedule follows the clock, and the last epoch ends where the time does; its line in the history
/// is over the steps that it had. Its last step has as many pictures as fit, where steps are long.
/// After the first epoch's set-up nothing is allocated in a step. Throws Error (kNumeric) at the first step whose
/// loss is not finite, before the weights are changed by it, unless a callback stops the training there; and where
/// weights are not finite after an epoch, or at the end.
[[nodiscard]] LoopResult run_loop(plan::Network& network, const LoopInput& input);

/// The batch size that training and evaluation use: the spec's, or all there is if that is less.
[[nodiscard]] std::int64_t effective_batch(const TrainSpec& spec, std::int64_t samples);

/// The loss of a spec (see options.h). Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] plan::LossRule make_loss(const TypedSpec& spec);

}  // namespace lapel::training
