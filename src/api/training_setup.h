#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "data/splits.h"
#include "kernels/cpu.h"
#include "lapel/data.h"
#include "lapel/recipe.h"
#include "model/model.h"
#include "plan/network.h"
#include "store/model_file.h"

namespace lapel {

/// A recipe made ready to be trained on a data set.
struct TrainingSetup {
  Recipe recipe;  ///< As resolve_recipe makes it.
  data::Splits splits;
  model::Model model;     ///< Of one member, where the recipe asks for an ensemble.
  model::Model ensemble;  ///< What is evaluated and saved; without an ensemble the same.
  kernels::Dtype dtype;
  int threads;
  std::vector<float> class_weights;  ///< Of the recipe's `class_weight`, for the pictures trained on; empty: all 1.
};

/// `splits`: how the training pictures are divided; nothing: as the recipe says, from the end. Throws Error (kRecipe)
/// where recipe and data do not fit.
[[nodiscard]] TrainingSetup make_setup(const Recipe& recipe, const DataSet& data,
                                       const std::optional<data::Splits>& splits = {});

/// The factors of `spec.class_weight` for the training part of the pictures; nothing: all 1. Throws Error (kRecipe).
[[nodiscard]] std::vector<float> trained_class_weights(const TrainSpec& spec, const DataSet& data,
                                                       const data::Splits& splits);

/// The network that trains a member (from 0), with weights as its seed says.
[[nodiscard]] plan::Network make_network(const TrainingSetup& setup, std::size_t member = 0);

/// A model file of `model` (a member, or an ensemble of some) with these weights.
[[nodiscard]] store::ModelFile make_model_file(const TrainingSetup& setup, const model::Model& model,
                                               std::vector<formats::Tensor> tensors, const DataSet& data);

}  // namespace lapel
