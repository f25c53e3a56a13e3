#pragma once

#include <optional>

#include "data/splits.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "lapel/train.h"

namespace lapel {

/// A recipe and a data set as a training takes them: what a measurement decides is decided, and the pictures lie as the
/// division into training and validation wants them.
class Preparation {
 public:
  /// Tells `settings.on_finding` what it decided. Throws Error (kRecipe, kData) where there is nothing to train on, or
  /// one class only.
  Preparation(Recipe recipe, const DataSet& data, const TrainSettings& settings);

  [[nodiscard]] const Recipe& recipe() const { return recipe_; }
  [[nodiscard]] const DataSet& data() const { return arranged_ ? *arranged_ : delivered_; }
  /// As it was given: with a validation part of its own, if it has one.
  [[nodiscard]] const DataSet& delivered() const { return delivered_; }
  [[nodiscard]] const data::Splits& splits() const { return splits_; }
  /// Of the data and of this preparation.
  [[nodiscard]] const Findings& findings() const { return findings_; }

 private:
  void decide_views();
  void decide_mirrors(const TrainSettings& settings);
  void tell_class_weights();

  Findings findings_;
  Recipe recipe_;
  const DataSet& delivered_;
  data::Splits splits_;
  std::optional<DataSet> arranged_;
};

}  // namespace lapel
