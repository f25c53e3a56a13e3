#include "api/training_setup.h"

#include <span>
#include <utility>

#include "api/ensemble_members.h"
#include "api/resolve.h"
#include "data/known.h"
#include "model/ensemble.h"
#include "train/callbacks/callback_type.h"
#include "train/class_weights.h"
#include "train/loop.h"

namespace lapel {

TrainingSetup make_setup(const Recipe& recipe, const DataSet& data, const std::optional<data::Splits>& given) {
  Recipe full = resolve_recipe(recipe, data);
  const data::Splits splits = given ? *given : data::split_training(recipe.data, data.train.pictures.count);
  model::Model model(recipe.name, full.layers, picture_shape(data.train.pictures));
  check_outputs(model, data);
  model::Model ensemble = model::ensemble_of(model, full.train.ensemble);
  auto class_weights = trained_class_weights(recipe.train, data, splits);
  return {std::move(full),
          splits,
          std::move(model),
          std::move(ensemble),
          resolve_precision(recipe.train.precision),
          resolve_threads(recipe.train),
          std::move(class_weights)};
}

std::vector<float> trained_class_weights(const TrainSpec& spec, const DataSet& data, const data::Splits& splits) {
  const auto labels =
      std::span(data.train.labels)
          .subspan(static_cast<std::size_t>(splits.train.first), static_cast<std::size_t>(splits.train.count));
  return training::class_weights(spec.class_weight, data.class_names, labels);
}

store::ModelFile make_model_file(const TrainingSetup& setup, const model::Model& model,
                                 std::vector<formats::Tensor> tensors, const DataSet& data) {
  const DataSpec& spec = setup.recipe.data;
  const auto& pictures = data.train.pictures;
  // Of the data set a known name, whatever form it was read in; of others nothing, so that the same pictures give the
  // same file wherever they lie.
  std::string source = data::find_known(data.name) != nullptr ? data.name : std::string();
  return {model,
          data.class_names,
          {pictures.height, pictures.width, pictures.channels, static_cast<double>(kPixelScale),
           setup.recipe.train.test_time_augmentation, data.format.fit, data.format.background},
          std::move(source),
          data.held_out,
          spec.split_seed,
          std::move(tensors),
          precision_name(setup.dtype)};
}

plan::Network make_network(const TrainingSetup& setup, std::size_t member) {
  const std::int64_t batch = training::effective_batch(setup.recipe.train, setup.splits.train.count);
  plan::Network network(setup.model, {setup.dtype, setup.threads, kPixelScale, batch, true});
  network.parameters().initialize(static_cast<std::uint64_t>(member_seed(setup.recipe.train.seed, member)));
  return network;
}

}  // namespace lapel
