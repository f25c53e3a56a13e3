#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lapel/recipe.h"

namespace lapel {

/// Whether a layer mirrors pictures from left to right, in training.
[[nodiscard]] bool mirrors(const LayerSpec& layer);

/// What `views`, a test-time augmentation, show that a training with these layers does not: `mirrored pictures`,
/// `pictures moved by a pixel`; empty where it shows both, or is "none".
[[nodiscard]] std::string unknown_to_training(std::string_view views, std::span<const LayerSpec> layers);

}  // namespace lapel
