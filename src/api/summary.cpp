#include "lapel/summary.h"

#include "model/classes.h"
#include "model/ensemble.h"
#include "model/model.h"

namespace lapel {

Summary summarize(const Recipe& recipe, const DataSet& data) {
  const Pictures& pictures = data.train.pictures;
  const auto layers = model::with_classes(recipe.layers, static_cast<std::int64_t>(data.class_names.size()));
  const model::Model member(recipe.name, layers, Shape::image(pictures.channels, pictures.height, pictures.width));
  return model::summarize(model::ensemble_of(member, recipe.train.ensemble));
}

}  // namespace lapel
