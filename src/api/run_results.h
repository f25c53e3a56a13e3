#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/classifier_impl.h"
#include "api/run_plots.h"
#include "api/training_setup.h"
#include "data/splits.h"
#include "lapel/data.h"
#include "lapel/train.h"
#include "store/run_folder.h"

namespace lapel {

/// Training pictures are many, and their score is only for comparison.
inline constexpr const char* kTrainingViews = "none";

/// What a run is, before anything of it is known.
[[nodiscard]] RunRecord begin_record(const TrainingSetup& setup, double time_budget, const Findings& findings);

/// Of so many steps over the epochs of `count` pictures, of which the last may be cut short.
[[nodiscard]] double training_flop(plan::Network& network, std::int64_t count, std::int64_t steps);

/// What the classifier of a run gives for pictures that it was not trained on.
struct MeasuredParts {
  std::optional<Evaluation> test;  ///< Where there are test pictures.
  std::vector<float> test_probabilities;
  std::optional<Evaluation> validation;  ///< Where there are validation pictures.

  /// Of the test pictures, else of the validation pictures; null where there are neither.
  [[nodiscard]] const Evaluation* held_out() const { return test ? &*test : validation ? &*validation : nullptr; }
};

/// Measures a trained classifier: on training pictures (`train_part` of them), validation and, once, on the test
/// pictures. Puts the scores into `record`. Throws Error (kNumeric) where one of them is not finite. `impl`: of
/// `classifier`.
[[nodiscard]] MeasuredParts measure_run(const Classifier& classifier, Classifier::Impl& impl, const DataSet& data,
                                        const TrainingSetup& setup, const data::SampleRange& train_part,
                                        RunRecord& record);

/// What measure_run measured, and what it is written with.
struct RunResults {
  const DataSet& data;  ///< As it was given, with its parts.
  const TrainingSetup& setup;
  const Classifier& classifier;
  const std::vector<EpochResult>& history;
  const MeasuredParts& measured;
};

/// Writes what a run folder has at the end, but for its metrics and plots. Returns what the plots are to show.
[[nodiscard]] report::PlotData write_results(const store::RunFolder& folder, const RunResults& results,
                                             const RunRecord& record);

/// Draws the plots of a run, and gives them to TensorBoard where the recipe asks for that. Returns why there are none.
[[nodiscard]] std::string draw_results(RunPlots& plots, const store::RunFolder& folder, const RunResults& results,
                                       const report::PlotData& shown, std::int64_t steps);

}  // namespace lapel
