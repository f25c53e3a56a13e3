#include "api/run_plots.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "api/seconds_of.h"
#include "lapel/error.h"
#include "report/gnuplot.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

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

/// What a plot with pictures costs beside one without.
constexpr double kWithPictures = 2;

fs::path plot_file(const fs::path& run, std::string_view name, PlotFormat format) {
  return run / "plots" / fmt::format("{}.{}", name, format == PlotFormat::kPng ? "png" : "svg");
}

/// Draws plots of a run, and notes their files.
class Drawn {
 public:
  Drawn(const fs::path& run, PlotFormat format) : run_(run), format_(format) {}
  void add(std::string_view name, const report::Drawing& drawing) {
    files_.push_back(plot_file(run_, name, format_));
    draw_file(drawing, files_.back());
  }
  [[nodiscard]] std::vector<fs::path> files() && { return std::move(files_); }

 private:
  const fs::path& run_;
  PlotFormat format_;
  std::vector<fs::path> files_;
};

report::Drawing training_samples(const report::PlotData& shown) {
  return draw_samples(shown, shown.train_samples, "Training pictures: " + shown.data_name);
}

}  // namespace

void draw_file(const report::Drawing& drawing, const fs::path& file) {
  report::run_gnuplot(drawing.script, fs::absolute(file), drawing.width, drawing.height);
}

std::vector<fs::path> draw_data_plots(const report::PlotData& shown, const fs::path& run, PlotFormat format) {
  Drawn drawn(run, format);
  drawn.add("samples_train", training_samples(shown));
  if (!shown.test_samples.empty()) {
    drawn.add("samples_test", draw_samples(shown, shown.test_samples, "Test pictures: " + shown.data_name));
  }
  drawn.add("class_counts", draw_class_counts(shown));
  return std::move(drawn).files();
}

std::vector<fs::path> draw_result_plots(const report::PlotData& shown, const std::vector<EpochResult>& history,
                                        const fs::path& run, PlotFormat format) {
  Drawn drawn(run, format);
  if (!history.empty()) {
    const bool validated = history.front().val_accuracy.has_value();
    drawn.add("accuracy", draw_curves(curves_of(history, &EpochResult::accuracy, &EpochResult::val_accuracy),
                                      "Accuracy: " + shown.name, "accuracy", validated ? 1 : 0));
    drawn.add("loss", draw_curves(curves_of(history, &EpochResult::loss, &EpochResult::val_loss), "Loss: " + shown.name,
                                  "loss", validated ? -1 : 0));
  }
  if (shown.confusion.classes > 0) {
    drawn.add("confusion", draw_confusion(shown));
  }
  if (!shown.predictions.empty()) {
    drawn.add("predictions", draw_predictions(shown, shown.predictions, "Predictions: " + shown.name));
  }
  if (!shown.mistakes.empty()) {
    drawn.add("mistakes", draw_predictions(shown, shown.mistakes, "The surest mistakes: " + shown.name));
  }
  return std::move(drawn).files();
}

RunPlots::RunPlots(const DataSet& data, fs::path run, PlotFormat format)
    : data_(data), run_(std::move(run)), format_(format) {}

void RunPlots::draw_data() {
  std::error_code ignored;
  fs::create_directory(run_ / "plots", ignored);
  const report::PlotData shown = report::plot_data({}, data_, nullptr, {});
  try {
    const double all = seconds_of([&] { files_ = draw_data_plots(shown, run_, format_); });
    // One with pictures is taken to cost twice one without.
    chart_seconds_ = all / (shown.test_samples.empty() ? 1 + kWithPictures : 1 + 2 * kWithPictures);
    data_drawn_ = true;
  } catch (const Error&) {
    data_drawn_ = false;
  }
}

std::optional<double> RunPlots::estimate(double at_most) {
  constexpr double kPictures = 2;  // Predictions, mistakes.
  constexpr double kCharts = 3;    // Accuracy, loss, confusion.
  if (!data_drawn_) {
    return 0;
  }
  if (std::exchange(estimated_, true)) {
    if (chart_seconds_ > at_most) {
      return std::nullopt;
    }
    measure_again();
  }
  return (kPictures * kWithPictures + kCharts) * chart_seconds_;
}

void RunPlots::measure_again() {
  const fs::path trial = plot_file(run_, "trial", format_);
  const report::PlotData shown = report::plot_data({}, data_, nullptr, {});
  try {
    chart_seconds_ = seconds_of([&] { draw_file(draw_class_counts(shown), trial); });
  } catch (const Error&) {
    // What was measured before is the best that is known.
  }
  std::error_code ignored;
  fs::remove(trial, ignored);
}

std::string RunPlots::draw_results(const report::PlotData& shown, const std::vector<EpochResult>& history) {
  try {
    if (!data_drawn_) {
      files_ = draw_data_plots(shown, run_, format_);
    }
    for (fs::path& file : draw_result_plots(shown, history, run_, format_)) {
      files_.push_back(std::move(file));
    }
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace lapel
