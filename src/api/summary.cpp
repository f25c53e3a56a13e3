#include "lapel/summary.h"

#include "model/classes.h"
#include "model/model.h"

namespace lapel {

Summary summarize(const Recipe& recipe, const DataSet& data) {
  const Pictures& pictures = data.train.pictures;
  const auto layers = model::with_classes(recipe.layers, static_cast<std::int64_t>(data.class_names.size()));
  return model::summarize(
      model::Model(recipe.name, layers, Shape::image(pictures.channels, pictures.height, pictures.width)));
}

}  // namespace lapel
