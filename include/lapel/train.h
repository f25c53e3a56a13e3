#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lapel/classifier.h"
#include "lapel/data.h"
#include "lapel/metrics.h"
#include "lapel/recipe.h"

namespace lapel {

/// One line of `history.csv`. Training accuracy and loss are means over the epoch's steps, as Keras shows them;
/// validation is measured after the epoch, in inference mode.
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
  double seconds = 0;  ///< Since the epoch began.
};

/// Hears what a training does, on the thread that trains. The default implementations do nothing.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  /// At most every twentieth of a second, and at the last step of each epoch.
  virtual void on_progress(const Progress& /*progress*/) {}
  virtual void on_epoch(const EpochResult& /*result*/, const Progress& /*progress*/) {}
};

/// In what form plots are drawn.
enum class PlotFormat { kPng, kSvg };

/// What a training is given beside its recipe.
struct TrainSettings {
  /// Where the run folder is made; empty: nothing is written. It must not exist.
  std::filesystem::path folder;
  /// A safetensors file with the weights to begin with, every one under its Keras name (`dense/kernel`) and in Keras's
  /// layout; empty: as the recipe's seed says.
  std::filesystem::path init;
  /// A CSV file to write `step,loss` to for every step (mean loss of its batch before the update); empty: none.
  std::filesystem::path trace;
  /// Draw the plots of the run folder in this form (lapel/plot.h), once everything else is saved.
  std::optional<PlotFormat> plots;
  TrainObserver* observer = nullptr;
  /// A request to stop ends the training after the step in hand: what was learned so far is measured and saved.
  std::stop_token stop;
};

/// What a training was and reached: the content of `metrics.json`.
struct RunRecord {
  std::string name;
  std::string status = "complete";  ///< or `interrupted`, or `failed` after at least one whole epoch
  std::optional<Score> train;
  std::optional<Score> validation;
  std::optional<Score> test;
  std::int64_t epochs = 0;  ///< Completed.
  std::int64_t steps = 0;
  std::int64_t parameters = 0;
  double seconds = 0;  ///< Training with validation, without loading and the final evaluation.
  std::int64_t seed = 0;
  int threads = 0;
  std::string precision;                        ///< `float32` or `bfloat16`: what was used.
  std::string test_time_augmentation = "none";  ///< With which `validation` and `test` were measured, but not `train`.
  std::string cpu;
  std::string isa;
  std::string lapel_version;
  std::string onednn_version;
};

struct TrainResult {
  RunRecord record;
  std::vector<EpochResult> history;
  std::optional<Evaluation> test;  ///< Where the data set has test pictures.
  std::string plot_problem;  ///< Why there are no plots, where they were asked for; the run is whole all the same.
  Classifier classifier;
};

/// Trains the recipe's model on `data` and measures it: on training and validation part, and once, at the end, on
/// the test pictures. With a folder, writes the run folder (docs/run-folder.md).
/// Throws Error: kRecipe (layers that do not fit the pictures or the classes), kUsage (the folder exists), kIo,
/// kModelFile (initial weights that are not the model's), kNumeric (the loss is not finite: epoch and step are named).
/// A run folder that fails before its first epoch is over is removed; one that fails later keeps recipe, history and a
/// `metrics.json` that says so, but has no model.
[[nodiscard]] TrainResult train(const Recipe& recipe, const DataSet& data, const TrainSettings& settings = {});

/// `parent/name`, or `parent/name-2`, `-3`, ...: the first that does not exist.
[[nodiscard]] std::filesystem::path next_run_folder(const std::filesystem::path& parent, const std::string& name);

}  // namespace lapel
