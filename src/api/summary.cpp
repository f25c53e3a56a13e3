#include "lapel/summary.h"

#include "model/model.h"

namespace lapel {

Summary summarize(const Recipe& recipe, std::int64_t height, std::int64_t width, std::int64_t channels) {
  return model::summarize(model::Model(recipe.name, recipe.layers, Shape::image(channels, height, width)));
}

}  // namespace lapel
