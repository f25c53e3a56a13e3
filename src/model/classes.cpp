#include "model/classes.h"

namespace lapel::model {

std::vector<LayerSpec> with_classes(std::vector<LayerSpec> layers, std::int64_t classes) {
  for (auto& layer : layers) {
    const auto units = layer.options.find("units");
    if (layer.type == "Dense" && units != layer.options.end() && units->second == OptionValue{std::int64_t{0}}) {
      units->second = classes;
    }
  }
  return layers;
}

}  // namespace lapel::model
