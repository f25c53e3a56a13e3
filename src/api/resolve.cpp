#include "api/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "data/known.h"
#include "lapel/error.h"
#include "model/classes.h"

namespace lapel {

Shape picture_shape(const Pictures& pictures) {
  return Shape::image(pictures.channels, pictures.height, pictures.width);
}

Recipe resolve_recipe(Recipe recipe, const DataSet& data) {
  recipe.layers = model::with_classes(std::move(recipe.layers), static_cast<std::int64_t>(data.class_names.size()));
  const bool by_name = data::find_known(recipe.data.source) != nullptr && recipe.data.source == data.name;
  if (!by_name && !data.location.empty()) {
    recipe.data.source = data.location.string();
  }
  return recipe;
}

void check_outputs(const model::Model& model, const DataSet& data) {
  const auto classes = static_cast<std::int64_t>(data.class_names.size());
  if (model.outputs() == classes) {
    return;
  }
  std::vector<ErrorFact> facts = {{"data", data.location.string()}};
  // Where labels go beyond the model, the first such one: it may be a mistake in the data.
  for (const auto& [name, part] : {std::pair("train", &data.train), std::pair("test", &data.test)}) {
    const auto& labels = part->labels;
    const auto beyond =
        std::find_if(labels.begin(), labels.end(), [&](Label label) { return label >= model.outputs(); });
    if (beyond != labels.end()) {
      facts.push_back({fmt::format("{}[{}]", name, beyond - labels.begin()), fmt::format("label {}", *beyond)});
      break;
    }
  }
  throw Error(ErrorKind::kRecipe, model.nodes().back().place,
              fmt::format("the model gives {} numbers, the data set has {} classes", model.outputs(), classes),
              std::move(facts),
              fmt::format("units = {} in the last layer, or 0: as many as there are classes", classes));
}

kernels::Dtype resolve_precision(const std::string& precision) {
  const bool fast = kernels::cpu().fast_bfloat16;  // Asked always: a wrong LAPEL_ISA is found before a folder is made.
  const bool low = precision == "bfloat16" || (precision == "auto" && fast);
  return low ? kernels::Dtype::kBfloat16 : kernels::Dtype::kFloat32;
}

std::string precision_name(kernels::Dtype dtype) { return dtype == kernels::Dtype::kBfloat16 ? "bfloat16" : "float32"; }

int resolve_threads(const TrainSpec& spec) {
  return spec.threads > 0 ? static_cast<int>(spec.threads) : default_threads();
}

}  // namespace lapel
