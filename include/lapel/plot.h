#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lapel/classifier.h"
#include "lapel/data.h"
#include "lapel/metrics.h"
#include "lapel/recipe.h"
#include "lapel/train.h"

/// Pictures of results, drawn by gnuplot, which must be installed. Without a screen; PNG or SVG by the name of the
/// file. All throw Error (kIo): gnuplot is not there, or says what is wrong; a file cannot be read or written.
namespace lapel {

/// Draws `samples_train`, `samples_test`, `class_counts`, `accuracy`, `loss`, `confusion`, `predictions` and `mistakes`
/// into the folder `plots` of a run, from the files that the run left (docs/run-folder.md); those for which the run has
/// no data (no validation, no test pictures) are left out. Returns the files drawn.
std::vector<std::filesystem::path> draw_run(const std::filesystem::path& run, PlotFormat format);

/// A grid of pictures with their class names, some of every class.
void draw_samples(const DataSet& data, const std::filesystem::path& file);

/// What the layers of `recipe` that change pictures in training make of training pictures in the first epochs: for each
/// of several such layers a row of one picture, changed by this layer alone; then rows changed by all of them, one
/// after the other. Throws also Error (kRecipe): there is no such layer, or it does not fit the pictures.
void draw_augmentations(const Recipe& recipe, const DataSet& data, const std::filesystem::path& file);

/// Pictures with their classes, what the model takes them for, and a bar for the probability of each class. `actual`:
/// the label of each picture, or nothing where it is not known.
void draw_predictions(const Classifier& classifier, const Pictures& pictures,
                      std::span<const std::optional<Label>> actual, const std::filesystem::path& file);

/// What `lapel compare` shows of one run.
struct RunSummary {
  std::filesystem::path folder;
  RunRecord record;  ///< Without machine and versions.
  std::vector<EpochResult> history;
  std::int64_t model_bytes = 0;        ///< Of the model file; 0: there is none.
  std::string settings = {};           ///< The recipe without its seed: equal in runs that differ in the seed alone.
  std::optional<double> latency = {};  ///< Seconds for one picture, where it was measured.
};

/// Reads `metrics.json` and `history.csv`. Throws Error (kIo, kData) for a folder that is no run, or a run that failed.
[[nodiscard]] RunSummary read_run(const std::filesystem::path& run);

/// Accuracy over the epochs of several runs (on validation pictures, where there were some).
void draw_comparison(std::span<const RunSummary> runs, const std::filesystem::path& file);

}  // namespace lapel
