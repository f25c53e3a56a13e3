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
[[nodiscard]] RunRecord begin_record(const TrainingSetup& setup, double time_budget);

/// Of so many steps over the epochs of `count` pictures, of which the last may be cut short.
[[nodiscard]] double training_flop(plan::Network& network, std::int64_t count, std::int64_t steps);

/// What the classifier of a run gives for its test pictures.
struct TestResult {
  std::optional<Evaluation> evaluation;  ///< Where there are any.
  std::vector<float> probabilities;
};

/// Measures a trained classifier: on training pictures (`train_part` of them), validation and, once, on the test
/// pictures. Puts the scores into `record`. Throws Error (kNumeric) where one of them is not finite. `impl`: of
/// `classifier`.
[[nodiscard]] TestResult measure_run(const Classifier& classifier, Classifier::Impl& impl, const DataSet& data,
                                     const TrainingSetup& setup, const data::SampleRange& train_part,
                                     RunRecord& record);

/// What measure_run measured, and what it is written with.
struct RunResults {
  const DataSet& data;
  const TrainingSetup& setup;
  const Classifier& classifier;
  const std::vector<EpochResult>& history;
  const TestResult& test;
};

/// Writes what a run folder has at the end, but for its metrics and plots. Returns what the plots are to show.
[[nodiscard]] report::PlotData write_results(const store::RunFolder& folder, const RunResults& results,
                                             const RunRecord& record);

/// Draws the plots of a run, and gives them to TensorBoard where the recipe asks for that. Returns why there are none.
[[nodiscard]] std::string draw_results(RunPlots& plots, const store::RunFolder& folder, const RunResults& results,
                                       const report::PlotData& shown, std::int64_t steps);

}  // namespace lapel
