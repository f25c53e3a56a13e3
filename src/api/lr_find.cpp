#include "lapel/lr_find.h"

#include "api/training_setup.h"
#include "data/check.h"
#include "train/lr_find.h"

namespace lapel {

LrFindResult find_learning_rate(const Recipe& recipe, const DataSet& data, const LrFindSettings& settings) {
  data::check_whole(data);
  const TrainingSetup setup = make_setup(recipe, data);
  plan::Network network = make_network(setup);
  LrFindResult result =
      training::range_test(network, data.train, setup.splits.train, setup.recipe.train, setup.class_weights, settings);
  result.name = recipe.name;
  training::suggest(result);
  return result;
}

}  // namespace lapel
