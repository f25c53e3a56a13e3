#include "lapel/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "api/run_plots.h"
#include "base/limits.h"
#include "data/check.h"
#include "formats/bytes.h"
#include "lapel/augmentation.h"
#include "lapel/error.h"
#include "report/lr_find.h"
#include "report/plot_data.h"
#include "store/run_folder.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

std::string title_of(const RunSummary& run) {
  const std::string folder = run.folder.filename().string();
  return folder == run.record.name ? folder : fmt::format("{} ({})", run.record.name, folder);
}

}  // namespace

std::vector<fs::path> draw_run(const fs::path& run, PlotFormat format) {
  store::refuse_links(run);
  const fs::path source = run / store::kPlotDataFile;
  const report::PlotData shown =
      report::plot_data_from_json(formats::read_text_file(source, {kMostJsonBytes}), source.string());
  const RunSummary summary = read_run(run);
  store::remove_leftovers(run);
  std::vector<fs::path> files = draw_data_plots(shown, run, format);
  for (fs::path& file : draw_result_plots(shown, summary.history, run, format)) {
    files.push_back(std::move(file));
  }
  return files;
}

void draw_samples(const DataSet& data, const fs::path& file) {
  data::check_whole(data);
  const report::PlotData shown = report::plot_data(data.name, data, nullptr, {});
  draw_file(report::draw_samples(shown, shown.train_samples, "Training pictures: " + data.name), file);
}

namespace {

/// The first training picture of each class, in the order in which they come, at most ten.
std::vector<std::uint32_t> one_of_each_class(const LabeledPictures& pictures) {
  constexpr std::size_t kMost = 10;
  std::vector<Label> seen;
  std::vector<std::uint32_t> samples;
  for (std::size_t i = 0; i < pictures.labels.size() && samples.size() < kMost; ++i) {
    if (std::find(seen.begin(), seen.end(), pictures.labels[i]) == seen.end()) {
      seen.push_back(pictures.labels[i]);
      samples.push_back(static_cast<std::uint32_t>(i));
    }
  }
  return samples;
}

/// What stands under the pictures of a layer alone: short enough to be written there.
std::string caption_of(const LayerSpec& layer) {
  constexpr std::string_view kCommon = "Random";
  return layer.type.starts_with(kCommon) ? layer.type.substr(kCommon.size()) : layer.type;
}

/// The first epoch in which a layer of `recipe` changes pictures.
std::int64_t first_changed_epoch(const Recipe& recipe) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const LayerSpec& layer : augmentations(recipe)) {
    const auto given = layer.options.find("start_epoch");
    first = std::min(first, given == layer.options.end() ? 1 : std::get<std::int64_t>(given->second));
  }
  return first;
}

/// Rows of pictures over epochs; what stands under each is a class name of its own.
class AugmentationRows {
 public:
  AugmentationRows(const DataSet& data, report::PlotData& shown)
      : data_(data), shown_(shown), samples_(one_of_each_class(data.train)) {}

  [[nodiscard]] std::size_t most_rows() const { return samples_.size(); }

  /// The first `rows` of the pictures, each as it is and then in the first epochs of `recipe` that change pictures.
  void add(const Recipe& recipe, std::size_t rows, const std::string& caption) {
    constexpr std::int64_t kEpochs = 9;
    const std::int64_t first = first_changed_epoch(recipe);
    std::vector<Pictures> epochs;
    for (std::int64_t i = 0; i < kEpochs; ++i) {
      epochs.push_back(augmented(recipe, data_.train.pictures, samples_, first + i));
    }
    for (std::size_t row = 0; row < rows; ++row) {
      const std::string& name = data_.class_names.at(data_.train.labels.at(samples_[row]));
      add_picture(data_.train.pictures.picture(samples_[row]), caption.empty() ? name : caption);
      for (std::size_t i = 0; i < epochs.size(); ++i) {
        add_picture(epochs[i].picture(static_cast<std::int64_t>(row)),
                    fmt::format("epoch {}", first + static_cast<std::int64_t>(i)));
      }
    }
  }

 private:
  void add_picture(std::span<const std::uint8_t> pixels, const std::string& caption) {
    auto& captions = shown_.class_names;
    auto found = std::find(captions.begin(), captions.end(), caption);
    if (found == captions.end()) {
      found = captions.insert(captions.end(), caption);
    }
    shown_.train_samples.push_back({0, static_cast<int>(found - captions.begin()), {pixels.begin(), pixels.end()}, {}});
  }

  const DataSet& data_;
  report::PlotData& shown_;
  std::vector<std::uint32_t> samples_;
};

}  // namespace

void draw_augmentations(const Recipe& recipe, const DataSet& data, const fs::path& file) {
  data::check_whole(data);
  constexpr std::size_t kRowsTogether = 3;
  const std::vector<LayerSpec> layers = augmentations(recipe);
  if (layers.empty()) {
    throw Error(ErrorKind::kRecipe, recipe.name, "no layer of this recipe changes pictures in training", {},
                "a recipe with RandomFlip, RandomTranslation or another layer of docs/augmentation.md");
  }
  const Pictures& pictures = data.train.pictures;
  report::PlotData shown;
  shown.height = pictures.height;
  shown.width = pictures.width;
  shown.channels = pictures.channels;
  AugmentationRows rows(data, shown);
  for (const LayerSpec& layer : layers.size() > 1 ? layers : std::vector<LayerSpec>()) {
    Recipe alone = recipe;
    alone.layers = {layer};
    rows.add(alone, 1, caption_of(layer));
  }
  rows.add(recipe, std::min(rows.most_rows(), kRowsTogether), {});
  draw_file(report::draw_samples(shown, shown.train_samples,
                                 fmt::format("Training pictures of {} in the epochs of {}", data.name, recipe.name)),
            file);
}

void draw_predictions(const Classifier& classifier, const Pictures& pictures,
                      std::span<const std::optional<Label>> actual, const fs::path& file) {
  const std::vector<float> probabilities = classifier.predict(pictures);
  if (std::ssize(actual) != pictures.count) {
    throw Error(ErrorKind::kUsage, "draw_predictions", "there are not as many labels as pictures",
                {{"pictures", fmt::format("{}", pictures.count)}, {"labels", fmt::format("{}", actual.size())}},
                "no value for a picture of an unknown class");
  }
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
  draw_file(report::draw_predictions(data, data.predictions, "Predictions"), file);
}

void draw_lr_find(const LrFindResult& result, const fs::path& file) { draw_file(report::draw_lr_find(result), file); }

void draw_comparison(std::span<const RunSummary> runs, const fs::path& file) {
  const auto validated = [](const RunSummary& run) {
    return !run.history.empty() && run.history.front().val_accuracy.has_value();
  };
  const bool all = std::all_of(runs.begin(), runs.end(), validated);
  const bool none = std::none_of(runs.begin(), runs.end(), validated);
  std::vector<report::Curve> curves;
  for (const RunSummary& run : runs) {
    report::Curve curve{title_of(run), {}};
    for (const EpochResult& epoch : run.history) {
      curve.points.emplace_back(epoch.epoch, epoch.val_accuracy.value_or(epoch.accuracy));
    }
    if (!all && !none) {
      curve.name += validated(run) ? ", validation" : ", training";
    }
    curves.push_back(std::move(curve));
  }
  draw_file(report::draw_curves(curves,
                                all    ? "Accuracy on validation pictures"
                                : none ? "Accuracy on training pictures, while they were learned"
                                       : "Accuracy on validation or training pictures",
                                "accuracy", 0),
            file);
}

}  // namespace lapel
