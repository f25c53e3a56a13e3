#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "api/known_views.h"
#include "base/rng.h"
#include "data/assemble.h"
#include "formats/picture.h"
#include "lapel/classifier.h"
#include "lapel/train.h"

namespace lapel {

namespace {

// The measurement: enough pictures to tell 2% apart, few enough for a moment.
constexpr std::int64_t kMostPictures = 3000;
constexpr std::int64_t kLargestSide = 32;
constexpr double kHeldOut = 0.3;
constexpr std::int64_t kPictureEpochs = 20000;  ///< Pictures seen, in all epochs.
constexpr std::uint64_t kSeed = 1;

/// Some of each class of the training part, made small.
LabeledPictures sample_of(const DataSet& data) {
  const double share =
      std::min(1.0, static_cast<double>(kMostPictures) / static_cast<double>(data.train.pictures.count));
  const auto chosen = data::stratified_choice(data.train.labels, data.class_names.size(), share, kSeed, 4);
  LabeledPictures sample = share < 1 ? data::chosen_samples(data.train, chosen, true) : data.train;
  Pictures& from = sample.pictures;
  const std::int64_t longest = std::max(from.height, from.width);
  if (longest > kLargestSide) {
    Pictures small{from.count,
                   std::max<std::int64_t>(1, from.height * kLargestSide / longest),
                   std::max<std::int64_t>(1, from.width * kLargestSide / longest),
                   from.channels,
                   {}};
    for (std::int64_t i = 0; i < from.count; ++i) {
      const auto picture = from.picture(i);
      const auto pixels = formats::resized({from.height, from.width, from.channels, {picture.begin(), picture.end()}},
                                           small.height, small.width)
                              .pixels;
      small.pixels.insert(small.pixels.end(), pixels.begin(), pixels.end());
    }
    from = std::move(small);
  }
  return sample;
}

Recipe small_net(bool mirror, std::int64_t pictures, int threads) {
  Recipe recipe;
  recipe.name = "mirroring";
  if (mirror) {
    recipe.layers.push_back({.type = std::string("RandomFlip"), .options = {{"mode", "horizontal"}}});
  }
  const std::vector<LayerSpec> net = {
      {.type = "Conv2D",
       .options = {{"filters", std::int64_t{16}},
                   {"kernel_size", std::int64_t{3}},
                   {"padding", "same"},
                   {"activation", "relu"}}},
      {.type = "MaxPooling2D", .options = {{"padding", "same"}}},
      {.type = "Conv2D",
       .options = {{"filters", std::int64_t{32}},
                   {"kernel_size", std::int64_t{3}},
                   {"padding", "same"},
                   {"activation", "relu"}}},
      {.type = "MaxPooling2D", .options = {{"padding", "same"}}},
      {.type = "Flatten"},
      {.type = "Dense", .options = {{"units", std::int64_t{64}}, {"activation", "relu"}}},
      {.type = "Dense", .options = {{"units", std::int64_t{0}}, {"activation", "softmax"}}}};
  recipe.layers.insert(recipe.layers.end(), net.begin(), net.end());
  recipe.train.epochs = std::clamp<std::int64_t>(kPictureEpochs / std::max<std::int64_t>(1, pictures), 2, 60);
  recipe.train.batch_size = 32;
  recipe.train.optimizer = {"Adam", {{"learning_rate", 0.002}}, {}};
  recipe.train.schedule = {"Cosine", {}, {}};
  recipe.train.threads = threads;
  return recipe;
}

Pictures mirrored(Pictures pictures) {
  for (std::int64_t row = 0; row < pictures.count * pictures.height; ++row) {
    std::uint8_t* const begin = pictures.pixels.data() + row * pictures.width * pictures.channels;
    for (std::int64_t x = 0; x < pictures.width / 2; ++x) {
      std::swap_ranges(begin + x * pictures.channels, begin + (x + 1) * pictures.channels,
                       begin + (pictures.width - 1 - x) * pictures.channels);
    }
  }
  return pictures;
}

/// What becomes of held-out pictures that the net knows, once they are mirrored.
struct MirroredAnswers {
  double as_others = 0;  ///< Share that is taken for another class.
  double worst = 0;      ///< The largest share of one class that is taken for one other class.
  std::size_t from = 0;
  std::size_t to = 0;
};

MirroredAnswers look_mirrored(const Classifier& classifier, const LabeledPictures& held_out) {
  constexpr std::int64_t kEnough = 5;
  const auto classes = static_cast<std::int64_t>(classifier.class_names().size());
  const auto plain = predicted_labels(classifier.predict(held_out.pictures), classes);
  const auto turned = predicted_labels(classifier.predict(mirrored(held_out.pictures)), classes);
  std::map<Label, std::int64_t> known;
  std::map<std::pair<Label, Label>, std::int64_t> taken;
  std::int64_t others = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == held_out.labels[i]) {
      ++known[plain[i]];
      if (turned[i] != plain[i]) {
        ++taken[{plain[i], turned[i]}];
        ++others;
      }
    }
  }
  std::int64_t all = 0;
  for (const auto& [label, count] : known) {
    all += count;
  }
  MirroredAnswers result;
  result.as_others = all == 0 ? 0 : static_cast<double>(others) / static_cast<double>(all);
  for (const auto& [pair, count] : taken) {
    const double share = static_cast<double>(count) / static_cast<double>(known[pair.first]);
    if (known[pair.first] >= kEnough && share > result.worst) {
      result.worst = share;
      result.from = pair.first;
      result.to = pair.second;
    }
  }
  return result;
}

/// Ends the trainings of a measurement when its time is over.
class TimeLimit : public Callback {
 public:
  explicit TimeLimit(double seconds) : seconds_(seconds) {}
  void on_step(Training& training) override {
    if (over()) {
      training.stop("the time for measuring is over");
    }
  }
  [[nodiscard]] double spent() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  [[nodiscard]] bool over() const { return seconds_ > 0 && spent() > seconds_; }

 private:
  double seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

bool mirrors_pictures(const Recipe& recipe) { return std::any_of(recipe.layers.begin(), recipe.layers.end(), mirrors); }

Recipe without_mirroring(Recipe recipe) {
  for (LayerSpec& layer : recipe.layers) {
    const auto mode = layer.options.find("mode");
    const bool one_way = mode != layer.options.end() && std::get<std::string>(mode->second) == "horizontal";
    if (mirrors(layer) && !one_way) {
      layer.options.insert_or_assign("mode", std::string("vertical"));
    }
  }
  std::erase_if(recipe.layers, mirrors);
  return recipe;
}

MirrorDecision decide_mirroring(const DataSet& data, int threads, const std::stop_token& stop, double at_most) {
  constexpr double kOneInAnother = 0.5;  // Of one class's mirrored pictures, taken for one other class.
  constexpr double kLeastLoss = 0.01;    // Of accuracy.
  TimeLimit limit(at_most);
  const LabeledPictures sample = sample_of(data);
  const auto chosen = data::stratified_choice(sample.labels, data.class_names.size(), kHeldOut, kSeed, 5);
  DataSet small;
  small.name = data.name;
  small.class_names = data.class_names;
  small.train = data::chosen_samples(sample, chosen, false);
  small.test = data::chosen_samples(sample, chosen, true);
  MirrorDecision decision;
  if (small.test.pictures.count == 0 || small.train.pictures.count == 0) {
    decision.reason = "mirrored pictures are kept: there are too few pictures to measure what they do";
    return decision;
  }
  TrainSettings settings;
  settings.stop = stop;
  settings.callbacks = {&limit};
  const auto net = [&](bool mirror) {
    return train(small_net(mirror, small.train.pictures.count, threads), small, settings);
  };
  const TrainResult without = net(false);
  const MirroredAnswers answers = look_mirrored(without.classifier, small.test);
  const bool confused = answers.worst > kOneInAnother;
  decision.accuracy_without = without.record.test->accuracy;
  decision.accuracy_with = decision.accuracy_without;
  decision.mirrored_as_others = answers.as_others;
  std::string because = fmt::format("{:.0f}% of mirrored \"{}\" are taken for \"{}\"", 100 * answers.worst,
                                    data.class_names[answers.from], data.class_names[answers.to]);
  if (!confused && !limit.over()) {
    decision.accuracy_with = net(true).record.test->accuracy;
    because = fmt::format("a small net has accuracy {:.3f} with and {:.3f} without", decision.accuracy_with,
                          decision.accuracy_without);
  }
  // Twice the deviation of the difference of two shares of so many pictures.
  const double p = std::clamp(decision.accuracy_without, 0.05, 0.95);
  const double noise = 2 * std::sqrt(2 * p * (1 - p) / static_cast<double>(small.test.pictures.count));
  const bool loses = decision.accuracy_without - decision.accuracy_with > std::max(kLeastLoss, noise);
  decision.mirror = !loses && !confused && !limit.over();
  decision.seconds = limit.spent();
  const std::string_view decided = decision.mirror ? "mirrored pictures are trained on as well"
                                   : limit.over() && !confused
                                       ? "pictures are not mirrored, as there was no time to measure what that does"
                                       : "pictures are not mirrored, as that would mix up classes";
  decision.reason = fmt::format("{} ({}{} held-out pictures, {:.1f} s; train.mirroring = \"{}\" decides otherwise)",
                                decided, limit.over() && !confused ? "" : because + "; ", small.test.pictures.count,
                                decision.seconds, decision.mirror ? "never" : "keep");
  return decision;
}

}  // namespace lapel
