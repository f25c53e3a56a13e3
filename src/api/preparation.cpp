#include "api/preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "api/known_views.h"
#include "api/resolve.h"
#include "api/training_setup.h"
#include "data/check.h"
#include "lapel/error.h"
#include "train/callbacks/callback_type.h"
#include "train/deadline.h"

namespace lapel {

namespace {

void check_classes(const DataSet& data) {
  data::check_whole(data);
  if (data.train.pictures.count > 0 && data.class_names.size() < 2) {
    throw Error(ErrorKind::kData, data.location.string(), "holds one class only, at least 2 are wanted to train",
                {{"class", data.class_names.empty() ? "none" : data.class_names.front()}},
                "a sub-folder for each class");
  }
}

/// With a validation part, where callbacks look at one and there is none.
Recipe with_needed_validation(Recipe recipe, const DataSet& data, Findings& findings) {
  const bool none = recipe.data.validation.empty() && recipe.data.validation_split == 0;
  const TypedSpec* looking = training::first_that_needs_validation(recipe.train.callbacks);
  if (none && data.validation.pictures.count == 0 && looking != nullptr) {
    recipe.data.validation = "stratified 10%";
    add_remark(findings, FindingKind::kTaken,
               fmt::format("the callback {} looks at validation: 10% of each class is kept for it (data.validation)",
                           looking->type));
  }
  return recipe;
}

}  // namespace

Preparation::Preparation(Recipe recipe, const DataSet& data, const TrainSettings& settings)
    : recipe_(with_needed_validation(std::move(recipe), data, findings_)), delivered_(data) {
  check_classes(data);
  const data::Division division = data::divide(data, recipe_.data, findings_);
  splits_ = division.splits;
  if (!division.order.empty() || division.own_validation) {
    arranged_ = DataSet{data.name,        data.location,
                        data.class_names, data::in_order_of(division, data),
                        data.test,        {},
                        data.format,      data.has_test_part,
                        data.held_out,    data.numbered_classes,
                        data.findings};
  }
  decide_mirrors(settings);
  decide_views();
  tell_class_weights();
  if (settings.on_finding) {
    std::ranges::for_each(findings_, settings.on_finding);
  }
  findings_.insert(findings_.begin(), data.findings.begin(), data.findings.end());
}

void Preparation::decide_mirrors(const TrainSettings& settings) {
  if (recipe_.train.mirroring == "measure" && mirrors_pictures(recipe_)) {
    constexpr double kOfTheTime = 0.2;
    const double at_most = kOfTheTime * training::budget_seconds(recipe_.train.time_budget);
    const MirrorDecision decision = decide_mirroring(data(), resolve_threads(recipe_.train), settings.stop, at_most);
    recipe_.train.mirroring = decision.mirror ? "keep" : "never";
    add_remark(findings_, FindingKind::kTaken, decision.reason);
  }
  if (recipe_.train.mirroring == "never") {
    recipe_ = without_mirroring(std::move(recipe_));
  }
}

/// Mirrored views of pictures that the training never saw mirrored say nothing; moved ones little.
void Preparation::decide_views() {
  std::string& views = recipe_.train.test_time_augmentation;
  const std::string unknown = unknown_to_training(views, recipe_.layers);
  if (unknown.empty()) {
    return;
  }
  const bool mirrored = !mirrors_pictures(recipe_);
  add_remark(findings_, mirrored ? FindingKind::kTaken : FindingKind::kWarning,
             fmt::format("test_time_augmentation = \"{}\" {} at {}, which this training does not know{}", views,
                         mirrored ? "would look" : "looks", unknown,
                         mirrored ? ": answers are of the pictures as they are" : ": \"flip\" leaves them out"));
  views = mirrored ? "none" : views;
}

void Preparation::tell_class_weights() {
  const std::vector<float> weights = trained_class_weights(recipe_.train, data(), splits_);
  if (weights.empty()) {
    return;
  }
  const auto [least, most] = std::minmax_element(weights.begin(), weights.end());
  const auto text = [&](auto weight) {
    return fmt::format("{:.3g} ({})", *weight, data().class_names[static_cast<std::size_t>(weight - weights.begin())]);
  };
  add_remark(findings_, FindingKind::kTaken,
             fmt::format("the loss of a class's training pictures counts {} to {} times (train.class_weight)",
                         text(least), text(most)));
}

std::pair<std::int64_t, std::int64_t> division_counts(const DataSet& data, const Recipe& recipe) {
  check_classes(data);
  Findings ignored;
  const Recipe whole = with_needed_validation(recipe, data, ignored);
  const data::Splits splits = data::divide(data, whole.data, ignored).splits;
  return {splits.train.count, splits.validation.count};
}

DataSet divided(DataSet data, const DataSpec& spec) {
  data::check_whole(data);
  Findings ignored;
  const data::Division division = data::divide(data, spec, ignored);
  const LabeledPictures all = data::in_order_of(division, data);
  const auto part_of = [&](const data::SampleRange& range) {
    LabeledPictures part;
    const std::int64_t size = all.pictures.picture_size();
    part.pictures = {range.count, all.pictures.height, all.pictures.width, all.pictures.channels, {}};
    part.pictures.pixels.assign(all.pictures.pixels.begin() + range.first * size,
                                all.pictures.pixels.begin() + (range.first + range.count) * size);
    part.labels.assign(all.labels.begin() + range.first, all.labels.begin() + range.first + range.count);
    return part;
  };
  data.train = part_of(division.splits.train);
  data.validation = part_of(division.splits.validation);
  return data;
}

}  // namespace lapel
