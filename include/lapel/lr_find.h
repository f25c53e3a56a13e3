#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel {

/// How a learning rate is looked for; the defaults are those of fastai's lr_find.
struct LrFindSettings {
  double start = 1e-7;
  double end = 10;
  std::int64_t steps = 100;
  std::stop_token stop = {};  ///< A request ends it after the step in hand, with what there is.
};

/// One step of it.
struct LrFindPoint {
  double learning_rate = 0;
  double loss = 0;      ///< Mean of the batch, before the update with this rate.
  double smoothed = 0;  ///< Moving mean of the losses (0.98 of it is kept), corrected for its beginning.
};

struct LrFindResult {
  std::string name;  ///< Of the recipe.
  std::vector<LrFindPoint> points;
  bool diverged = false;     ///< It ended early: the loss was no number, or 4 times the lowest.
  double steepest = 0;       ///< Where the smoothed loss falls fastest over the logarithm of the rate.
  double minimum_tenth = 0;  ///< A tenth of the rate at which the smoothed loss is lowest.
};

/// The learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3), in
/// the form of fastai's lr_find: trains the recipe's model from its beginning for some steps, in which the learning
/// rate rises from `start` to `end` by the same factor each time, whatever the recipe's schedule. The first tenth of
/// the steps and the last five have no part in the suggestions. Nothing is kept of the training, and no picture for
/// validation or testing is looked at. Throws Error (kUsage) for settings that make no sense or where the loss diverges
/// before it fell, and as `train` does.
[[nodiscard]] LrFindResult find_learning_rate(const Recipe& recipe, const DataSet& data,
                                              const LrFindSettings& settings = {});

/// Draws the smoothed loss over the learning rate, with the suggestions, by gnuplot: .png or .svg by the name of the
/// file. Throws Error (kIo) as the functions of lapel/plot.h do.
void draw_lr_find(const LrFindResult& result, const std::filesystem::path& file);

/// A table of the steps and the suggestions.
[[nodiscard]] std::string to_text(const LrFindResult& result);
[[nodiscard]] std::string to_json(const LrFindResult& result);

}  // namespace lapel
