#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/train.h"
#include "report/plot_data.h"

namespace lapel {

/// Draws a .png or .svg file. Throws as run_gnuplot does.
void draw_file(const report::Drawing& drawing, const std::filesystem::path& file);

/// The plots of a run that need its data set alone: `samples_train`, `samples_test`, `class_counts`. Returns the files.
std::vector<std::filesystem::path> draw_data_plots(const report::PlotData& shown, const std::filesystem::path& run,
                                                   PlotFormat format);
/// The others: `accuracy`, `loss`, `confusion`, `predictions`, `mistakes`. Returns the files.
std::vector<std::filesystem::path> draw_result_plots(const report::PlotData& shown,
                                                     const std::vector<EpochResult>& history,
                                                     const std::filesystem::path& run, PlotFormat format);

/// The plots of a run in the making. Those of the data set are drawn before the training, and show what the others will
/// take after it.
class RunPlots {
 public:
  RunPlots(const DataSet& data, std::filesystem::path run, PlotFormat format);

  /// A failure is left for draw_results to tell.
  void draw_data();

  /// Seconds that draw_results will take: at first from what draw_data took, then, since the machine may have become
  /// slower, from one plot drawn for this alone, or nothing where that takes longer than `at_most` seconds. 0 where
  /// drawing fails.
  [[nodiscard]] std::optional<double> estimate(double at_most);

  /// Draws what draw_data did not. Returns what is wrong, or nothing.
  [[nodiscard]] std::string draw_results(const report::PlotData& shown, const std::vector<EpochResult>& history);

  /// What was drawn so far.
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  void measure_again();

  const DataSet& data_;
  std::filesystem::path run_;
  PlotFormat format_;
  std::vector<std::filesystem::path> files_;
  bool data_drawn_ = false;
  bool estimated_ = false;
  double chart_seconds_ = 0;  ///< Of a plot without pictures.
};

}  // namespace lapel
