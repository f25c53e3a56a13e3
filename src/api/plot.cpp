#include "lapel/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "formats/bytes.h"
#include "lapel/error.h"
#include "report/gnuplot.h"
#include "report/lr_find.h"
#include "report/plot_data.h"
#include "store/run_folder.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

void draw(const report::Drawing& drawing, const fs::path& file) {
  report::run_gnuplot(drawing.script, fs::absolute(file), drawing.width, drawing.height);
}

std::vector<report::Curve> curves_of(const std::vector<EpochResult>& history, double EpochResult::*training,
                                     std::optional<double> EpochResult::*validation) {
  std::vector<report::Curve> curves = {{"training", {}}, {"validation", {}}};
  for (const EpochResult& epoch : history) {
    curves[0].points.emplace_back(epoch.epoch, epoch.*training);
    if (epoch.*validation) {
      curves[1].points.emplace_back(epoch.epoch, *(epoch.*validation));
    }
  }
  if (curves[1].points.empty()) {
    curves.pop_back();
  }
  return curves;
}

std::string title_of(const RunSummary& run) {
  const std::string folder = run.folder.filename().string();
  return folder == run.record.name ? folder : fmt::format("{} ({})", run.record.name, folder);
}

}  // namespace

std::vector<fs::path> draw_run(const fs::path& run, PlotFormat format) {
  const fs::path source = run / store::kPlotDataFile;
  const report::PlotData data = report::plot_data_from_json(formats::read_text_file(source), source.string());
  const RunSummary summary = read_run(run);
  std::vector<fs::path> files;
  const auto add = [&](std::string_view name, const report::Drawing& drawing) {
    files.push_back(run / "plots" / fmt::format("{}.{}", name, format == PlotFormat::kPng ? "png" : "svg"));
    draw(drawing, files.back());
  };
  add("samples_train", draw_samples(data, data.train_samples, "Training pictures: " + data.data_name));
  if (!data.test_samples.empty()) {
    add("samples_test", draw_samples(data, data.test_samples, "Test pictures: " + data.data_name));
  }
  add("class_counts", draw_class_counts(data));
  if (!summary.history.empty()) {
    const bool validated = summary.history.front().val_accuracy.has_value();
    add("accuracy", draw_curves(curves_of(summary.history, &EpochResult::accuracy, &EpochResult::val_accuracy),
                                "Accuracy: " + data.name, "accuracy", validated ? 1 : 0));
    add("loss", draw_curves(curves_of(summary.history, &EpochResult::loss, &EpochResult::val_loss),
                            "Loss: " + data.name, "loss", validated ? -1 : 0));
  }
  if (data.confusion.classes > 0) {
    add("confusion", draw_confusion(data));
    add("predictions", draw_predictions(data, data.predictions, "Predictions: " + data.name));
  }
  if (!data.mistakes.empty()) {
    add("mistakes", draw_predictions(data, data.mistakes, "The surest mistakes: " + data.name));
  }
  return files;
}

void draw_samples(const DataSet& data, const fs::path& file) {
  const report::PlotData shown = report::plot_data(data.name, data, nullptr, {});
  draw(report::draw_samples(shown, shown.train_samples, "Training pictures: " + data.name), file);
}

void draw_predictions(const Classifier& classifier, const Pictures& pictures,
                      std::span<const std::optional<Label>> actual, const fs::path& file) {
  const std::vector<float> probabilities = classifier.predict(pictures);
  const std::size_t classes = classifier.class_names().size();
  report::PlotData data;
  data.class_names = classifier.class_names();
  std::tie(data.height, data.width) = report::shown_size(pictures);
  data.channels = pictures.channels;
  for (std::int64_t i = 0; i < pictures.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    data.predictions.push_back({i,
                                actual[at] ? static_cast<int>(*actual[at]) : -1,
                                report::shown_pixels(pictures, i),
                                {probabilities.begin() + static_cast<std::ptrdiff_t>(at * classes),
                                 probabilities.begin() + static_cast<std::ptrdiff_t>((at + 1) * classes)}});
  }
  draw(report::draw_predictions(data, data.predictions, "Predictions"), file);
}

void draw_lr_find(const LrFindResult& result, const fs::path& file) { draw(report::draw_lr_find(result), file); }

void draw_comparison(std::span<const RunSummary> runs, const fs::path& file) {
  std::vector<report::Curve> curves;
  for (const RunSummary& run : runs) {
    report::Curve curve{title_of(run), {}};
    for (const EpochResult& epoch : run.history) {
      curve.points.emplace_back(epoch.epoch, epoch.val_accuracy.value_or(epoch.accuracy));
    }
    if (!run.history.empty() && !run.history.front().val_accuracy) {
      curve.name += ", training";
    }
    curves.push_back(std::move(curve));
  }
  draw(report::draw_curves(curves, "Accuracy on validation pictures", "accuracy", 0), file);
}

}  // namespace lapel
