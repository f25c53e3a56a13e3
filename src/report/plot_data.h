#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lapel/data.h"
#include "lapel/metrics.h"

namespace lapel::report {

/// A picture that a plot shows.
struct ShownPicture {
  std::int64_t index = 0;  ///< In its part of the data set.
  int label = -1;          ///< -1: not known.
  std::vector<std::uint8_t> pixels;
  std::vector<float> probabilities;  ///< Of every class; empty in a plot of samples.
};

/// Everything that the plots of a run show but its history: the content of `plots/data.json`.
struct PlotData {
  std::string name;       ///< Of the recipe.
  std::string data_name;  ///< Of the data set.
  std::vector<std::string> class_names;
  std::int64_t height = 0;  ///< Of the pictures as they are shown (shown_size).
  std::int64_t width = 0;
  std::int64_t channels = 1;
  std::vector<std::int64_t> train_counts;  ///< By class.
  std::vector<std::int64_t> test_counts;
  ConfusionMatrix confusion;  ///< No classes where there are no test pictures, or too many classes to be shown.
  std::vector<ShownPicture> train_samples;
  std::vector<ShownPicture> test_samples;
  std::vector<ShownPicture> predictions;  ///< Of the first test pictures.
  std::vector<ShownPicture> mistakes;     ///< Of the test pictures, the surest wrong answer first.
};

/// Height and width at which a picture of this size is kept and shown: its own, or what makes its longer side 112.
[[nodiscard]] std::pair<std::int64_t, std::int64_t> shown_size(const Pictures& pictures);
/// One of the pictures in that size.
[[nodiscard]] std::vector<std::uint8_t> shown_pixels(const Pictures& pictures, std::int64_t index);

/// Collects it; `test_probabilities` is test pictures x classes, or empty.
[[nodiscard]] PlotData plot_data(const std::string& name, const DataSet& data, const Evaluation* test,
                                 std::span<const float> test_probabilities);

[[nodiscard]] std::string to_json(const PlotData& data);
/// Throws Error (kData) at `place` for text that to_json did not make.
[[nodiscard]] PlotData plot_data_from_json(std::string_view text, const std::string& place);

/// A drawing: gnuplot's script (see run_gnuplot) and the size of its canvas.
struct Drawing {
  std::string script;
  int width = 0;
  int height = 0;
};

[[nodiscard]] Drawing draw_samples(const PlotData& data, const std::vector<ShownPicture>& pictures,
                                   const std::string& title);
[[nodiscard]] Drawing draw_predictions(const PlotData& data, const std::vector<ShownPicture>& pictures,
                                       const std::string& title);
[[nodiscard]] Drawing draw_class_counts(const PlotData& data);
[[nodiscard]] Drawing draw_confusion(const PlotData& data);

/// One curve over epochs.
struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;
};
/// `best` marks the epoch of the best point of the last curve: 1 the largest, -1 the smallest, 0 none.
[[nodiscard]] Drawing draw_curves(const std::vector<Curve>& curves, const std::string& title, const std::string& axis,
                                  int best);

}  // namespace lapel::report
