#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "lapel/callback.h"
#include "lapel/classifier.h"
#include "lapel/data.h"
#include "lapel/findings.h"
#include "lapel/metrics.h"
#include "lapel/recipe.h"

namespace lapel {

/// In what form plots are drawn.
enum class PlotFormat { kPng, kSvg };

/// What a training is given beside its recipe.
struct TrainSettings {
  /// Where the run folder is made; empty: nothing is written. It must not exist, or be empty.
  std::filesystem::path folder;
  /// Go on with the run in `folder`, which was stopped or killed, from its last checkpoint. Recipe and pictures must be
  /// those it was begun with. On the same kind of machine with as many threads it ends with the same bits as if it had
  /// never been stopped.
  bool resume = false;
  /// Seconds after which a checkpoint is written within an epoch (docs/run-folder.md).
  double checkpoint_seconds = 300;
  /// When the process began, from which a `time_budget` is counted; nothing: the call of `train`.
  std::optional<std::chrono::steady_clock::time_point> started = {};
  /// A safetensors file with the weights to begin with, every one under its Keras name (`dense/kernel`) and in Keras's
  /// layout; empty: as the recipe's seed says.
  std::filesystem::path init;
  /// A CSV file to write `step,loss` to for every step (mean loss of its batch before the update); empty: none.
  std::filesystem::path loss_csv;
  /// Draw the plots of the run folder in this form (lapel/plot.h): those of the data set before the training, the
  /// others once everything else is saved.
  std::optional<PlotFormat> plots;
  /// Called after those of the recipe, in this order. A training that goes on needs the same ones again.
  std::vector<Callback*> callbacks;
  /// Told, before the first step, what was decided, or is odd about recipe and data together; may be empty.
  std::function<void(const Finding&)> on_finding = {};
  /// A request to stop ends the training after the step in hand: what was learned so far is measured and saved, with a
  /// checkpoint from which it can go on.
  std::stop_token stop;
};

/// What a training was and reached: the content of `metrics.json`.
struct RunRecord {
  std::string name;
  std::string status = "complete";  ///< or `interrupted`, or `failed` after at least one whole epoch
  std::string stopped_by = {};  ///< Why a callback ended the training (of an ensemble, the last of them), or nothing.
  std::optional<Score> train;
  std::optional<Score> validation;
  std::optional<Score> test;
  std::int64_t epochs = 0;  ///< Completed.
  std::int64_t steps = 0;
  std::int64_t parameters = 0;
  double training_flop = 0;  ///< Floating-point operations of the products in all steps, forward and backward.
  double seconds = 0;        ///< Training with validation, without loading and the final evaluation.
  std::int64_t seed = 0;
  int threads = 0;
  double time_budget = 0;      ///< Seconds; 0: the recipe has none.
  double process_seconds = 0;  ///< From the beginning of the process to this record; plots of results follow.
  std::string precision;       ///< `float32` or `bfloat16`: what was used.
  std::string test_time_augmentation = "none";  ///< With which `validation` and `test` were measured, but not `train`.
  /// Of the test pictures, else the validation pictures: what accuracy alone hides where classes differ in size.
  std::optional<double> macro_f1 = {};
  std::optional<double> balanced_accuracy = {};
  std::optional<double> top_3_accuracy = {};
  Findings findings = {};  ///< What was guessed, converted, left out and decided, of the data and of the training.
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
  std::optional<Evaluation> validation = {};  ///< Where there are validation pictures.
};

/// The pictures of `data` that a training by `spec` trains on and validates with, and those that it tests on: for what
/// measures them again. The validation part of the data set, if it has one; else the one that the spec asks for.
[[nodiscard]] DataSet divided(DataSet data, const DataSpec& spec);

/// How many pictures a training by the recipe trains on, and validates with.
[[nodiscard]] std::pair<std::int64_t, std::int64_t> division_counts(const DataSet& data, const Recipe& recipe);

/// Trains the recipe's model on `data` and measures it: on training and validation part, and once, at the end, on
/// the test pictures. With a folder, writes the run folder (docs/run-folder.md).
/// With a time budget, loading, evaluation and writing are within it; of the training part the first 5,000 pictures are
/// measured then. Steps follow the clock, so that such a run does not repeat bit for bit.
/// Throws Error: kRecipe (layers that do not fit the pictures or the classes), kUsage (the folder exists; a run that
/// cannot be resumed; a time budget that is over before the first step), kIo, kModelFile (initial weights that are not
/// the model's, a damaged checkpoint), kNumeric (a loss or a weight is not finite: epoch and step are named).
/// A run folder in which nothing can be resumed is removed where the training fails before its first epoch is over (one
/// that was there, and empty, is empty again); one
/// that fails later keeps recipe, history, checkpoints and a `metrics.json` that says so, but has no model.
[[nodiscard]] TrainResult train(const Recipe& recipe, const DataSet& data, const TrainSettings& settings = {});

/// `parent/name`, or `parent/name-2`, `-3`, ...: makes the first that does not exist, so that no other training takes
/// it. It is empty, which `train` allows. Throws Error (kIo).
[[nodiscard]] std::filesystem::path new_run_folder(const std::filesystem::path& parent, const std::string& name);

/// Whether the recipe mirrors pictures in training, and what becomes of it without: no RandomFlip, no mirrored views.
[[nodiscard]] bool mirrors_pictures(const Recipe& recipe);
[[nodiscard]] Recipe without_mirroring(Recipe recipe);

/// What a measurement says of mirroring the pictures of a data set from left to right.
struct MirrorDecision {
  bool mirror = true;
  /// On pictures held out of the training part: of a small net trained with mirroring (the next one, where that net was
  /// not needed),
  double accuracy_with = 0;
  double accuracy_without = 0;    ///< and without.
  double mirrored_as_others = 0;  ///< Share of held-out pictures that are taken for another class once mirrored.
  double seconds = 0;
  std::string reason;  ///< One line for people.
};

/// Trains two small nets for a moment on some of the training pictures, with and without mirroring, and compares them
/// on others. The same data give the same decision, unless that takes longer than `at_most` seconds (0: any time): then
/// pictures are not mirrored. Throws Error (kInterrupted) where `stop` asks for it.
[[nodiscard]] MirrorDecision decide_mirroring(const DataSet& data, int threads, const std::stop_token& stop = {},
                                              double at_most = 0);

}  // namespace lapel
