#include "api/run_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "api/resolve.h"
#include "kernels/cpu.h"
#include "lapel/error.h"
#include "lapel/report.h"
#include "lapel/version.h"
#include "train/callbacks/tensor_board.h"

namespace lapel {

namespace {

void check_finite(const std::optional<Score>& score, std::string_view part, const RunRecord& record) {
  if (score && !std::isfinite(score->loss)) {
    throw Error(ErrorKind::kNumeric, fmt::format("after step {}", record.steps),
                fmt::format("the loss on the {} pictures is {}", part,
                            std::isnan(score->loss) ? "not a number (NaN)" : "infinite"),
                {}, "a smaller learning rate");
  }
}

}  // namespace

RunRecord begin_record(const TrainingSetup& setup, double time_budget, const Findings& findings) {
  RunRecord record;
  record.name = setup.recipe.name;
  record.parameters = setup.ensemble.trainable_parameters() + setup.ensemble.non_trainable_parameters();
  record.seed = setup.recipe.train.seed;
  record.threads = setup.threads;
  record.time_budget = time_budget;
  record.precision = precision_name(setup.dtype);
  record.cpu = kernels::cpu().model;
  record.test_time_augmentation = setup.recipe.train.test_time_augmentation;
  record.findings = findings;
  record.isa = kernels::cpu().isa;
  record.lapel_version = version();
  record.onednn_version = kernels::onednn_version();
  return record;
}

double training_flop(plan::Network& network, std::int64_t count, std::int64_t steps) {
  const std::int64_t batch = network.options().main_batch;
  const std::int64_t steps_of_epoch = (count + batch - 1) / batch;
  const std::int64_t samples = steps / steps_of_epoch * count + std::min(steps % steps_of_epoch * batch, count);
  return static_cast<double>(network.plan(batch, true).flop()) / static_cast<double>(batch) *
         static_cast<double>(samples);
}

MeasuredParts measure_run(const Classifier& classifier, Classifier::Impl& impl, const DataSet& data,
                          const TrainingSetup& setup, const data::SampleRange& train_part, RunRecord& record) {
  std::string& views = impl.views;
  views = kTrainingViews;
  record.train = impl.evaluate(data.train, train_part.first, train_part.count, "train").score;
  check_finite(record.train, "training", record);
  views = setup.recipe.train.test_time_augmentation;
  const auto& validation = setup.splits.validation;
  MeasuredParts measured;
  if (validation.count > 0) {
    measured.validation = impl.evaluate(data.train, validation.first, validation.count, "validation");
    record.validation = measured.validation->score;
    check_finite(record.validation, "validation", record);
  }
  if (data.test.pictures.count > 0) {
    measured.test_probabilities = classifier.predict(data.test.pictures);
    measured.test = evaluate_predictions("test", data.class_names, measured.test_probabilities, data.test.labels);
    record.test = measured.test->score;
    check_finite(record.test, "test", record);
  }
  if (const Evaluation* held_out = measured.held_out()) {
    record.macro_f1 = held_out->report.macro_average.f1;
    record.balanced_accuracy = held_out->report.balanced_accuracy;
    record.top_3_accuracy = held_out->top_3_accuracy;
  }
  return measured;
}

report::PlotData write_results(const store::RunFolder& folder, const RunResults& results, const RunRecord& record) {
  const MeasuredParts& measured = results.measured;
  const Evaluation* held_out = measured.held_out();
  folder.remove_metrics();
  results.classifier.save(folder.model_file());
  folder.write_report(
      run_report(describe(results.data), results.classifier.summary(), results.history, record, held_out));
  if (held_out != nullptr) {
    folder.write_confusion(to_csv(held_out->confusion, results.data.class_names));
  }
  report::PlotData shown = report::plot_data(results.setup.recipe.name, results.data,
                                             measured.test ? &*measured.test : nullptr, measured.test_probabilities);
  folder.write_plot_data(report::to_json(shown));
  return shown;
}

std::string draw_results(RunPlots& plots, const store::RunFolder& folder, const RunResults& results,
                         const report::PlotData& shown, std::int64_t steps) {
  std::string problem = plots.draw_results(shown, results.history);
  try {
    training::log_plots(results.setup.recipe.train.callbacks, folder.path(), plots.files(), steps);
  } catch (const Error& error) {
    problem = problem.empty() ? error.what() : problem;
  }
  return problem;
}

}  // namespace lapel
