#include "api/training_setup.h"

#include <utility>

#include "api/members.h"
#include "api/prepare.h"
#include "model/ensemble.h"
#include "train/loop.h"

namespace lapel {

TrainingSetup make_setup(const Recipe& recipe, const DataSet& data) {
  Recipe full = prepare::fitted(recipe, data);
  const data::Splits splits = data::split_training(recipe.data, data.train.pictures.count);
  model::Model model(recipe.name, full.layers, prepare::picture_shape(data.train.pictures));
  prepare::check_outputs(model, data);
  model::Model ensemble = model::ensemble_of(model, full.train.ensemble);
  return {std::move(full),
          splits,
          std::move(model),
          std::move(ensemble),
          prepare::chosen_precision(recipe.train.precision),
          prepare::chosen_threads(recipe.train)};
}

plan::Network make_network(const TrainingSetup& setup, std::size_t member) {
  const std::int64_t batch = training::effective_batch(setup.recipe.train, setup.splits.train.count);
  plan::Network network(setup.model, {setup.dtype, setup.threads, prepare::kPixelScale, batch, true});
  network.parameters().initialize(static_cast<std::uint64_t>(member_seed(setup.recipe.train.seed, member)));
  return network;
}

}  // namespace lapel
