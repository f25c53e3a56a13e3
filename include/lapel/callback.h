#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lapel {

/// One line of `history.csv`; with an ensemble, epochs are counted on from one member to the next. Training accuracy
/// and loss are means over the epoch's steps, as Keras shows them; validation is measured after the epoch, in inference
/// mode.
struct EpochResult {
  std::int64_t epoch = 0;  ///< From 1.
  double accuracy = 0;
  double loss = 0;
  std::optional<double> val_accuracy;
  std::optional<double> val_loss;
  double learning_rate = 0;  ///< Of the epoch's last step.
  double seconds = 0;        ///< Training and validation.
};

/// How far an epoch has come.
struct Progress {
  std::int64_t epoch = 0;  ///< From 1.
  std::int64_t epochs = 0;
  std::int64_t step = 0;  ///< Steps done in this epoch.
  std::int64_t steps = 0;
  double accuracy = 0;  ///< Mean over the steps so far.
  double loss = 0;
  double seconds = 0;       ///< Since the epoch began.
  std::int64_t member = 1;  ///< Of an ensemble, from 1; epochs are its own.
  std::int64_t members = 1;
};

/// What a callback has to know to go on where a training was stopped. A checkpoint keeps it bit by bit.
struct CallbackState {
  std::map<std::string, double, std::less<>> numbers;
  std::vector<float> weights;  ///< As Training::weights gives them, or none.
};

/// A training, as its callbacks see it and change it.
class Training {
 public:
  virtual ~Training() = default;

  [[nodiscard]] virtual const Progress& progress() const = 0;
  /// Steps done, over all epochs.
  [[nodiscard]] virtual std::int64_t steps() const = 0;
  /// The mean loss of the last step's batch, before its update. Not finite where the step failed: then the weights are
  /// those before it, the step is not counted, and the training fails unless a callback stops it.
  [[nodiscard]] virtual double loss() const = 0;
  /// The epochs that are over.
  [[nodiscard]] virtual const std::vector<EpochResult>& history() const = 0;
  /// Whether it goes on from a checkpoint.
  [[nodiscard]] virtual bool resumed() const = 0;

  /// The optimizer's learning rate, of which a schedule gives a factor.
  [[nodiscard]] virtual double learning_rate() const = 0;
  virtual void set_learning_rate(double rate) = 0;

  /// Every number of the model as it would be evaluated and saved now (with EMA, the mean): weight by weight in the
  /// model's order, each in Keras's layout.
  [[nodiscard]] virtual std::vector<float> weights() const = 0;
  /// In on_end: the numbers with which the training ends. Throws Error (kInternal) for another number of them.
  virtual void set_weights(std::span<const float> weights) = 0;
  /// Writes a model file with weights().
  virtual void save_model(const std::filesystem::path& file) const = 0;

  /// Ends the training after the step or the epoch in hand, as if it were complete; `reason` is told.
  virtual void stop(const std::string& reason) = 0;
};

/// Hears what a training does, on the thread that trains, and may change its course. Of an ensemble each member is a
/// training. The default implementations do nothing.
class Callback {
 public:
  virtual ~Callback() = default;

  /// Before the first step; where the training goes on, after `restore`.
  virtual void on_begin(Training& /*training*/) {}
  /// After each step.
  virtual void on_step(Training& /*training*/) {}
  /// After each epoch and its validation, the last one too where it was cut short. `history().back()` is its result.
  virtual void on_epoch(Training& /*training*/) {}
  /// After the last step, whatever ended the training but a failure.
  virtual void on_end(Training& /*training*/) {}

  /// For checkpoints. What `restore` is given, `save` of the same callback has made.
  [[nodiscard]] virtual CallbackState save() { return {}; }
  virtual void restore(const CallbackState& /*state*/) {}
};

}  // namespace lapel
