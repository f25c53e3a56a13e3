#include "api/known_views.h"

#include <algorithm>
#include <variant>

#include "model/views.h"

namespace lapel {

bool mirrors(const LayerSpec& layer) {
  const auto mode = layer.options.find("mode");
  const bool vertical = mode != layer.options.end() && std::get<std::string>(mode->second) == "vertical";
  return layer.type == "RandomFlip" && !vertical;
}

std::string unknown_to_training(std::string_view views, std::span<const LayerSpec> layers) {
  const auto shown = model::views_of(views);
  const auto moves = [](const LayerSpec& layer) { return layer.type == "RandomTranslation"; };
  const bool mirrored = std::any_of(shown.begin(), shown.end(), [](const model::View& view) { return view.mirrored; });
  const bool moved = std::any_of(shown.begin(), shown.end(),
                                 [](const model::View& view) { return view.down != 0 || view.right != 0; });
  if (mirrored && std::none_of(layers.begin(), layers.end(), mirrors)) {
    return "mirrored pictures";
  }
  return moved && std::none_of(layers.begin(), layers.end(), moves) ? "pictures moved by a pixel" : "";
}

}  // namespace lapel
