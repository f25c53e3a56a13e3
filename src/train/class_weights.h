#pragma once

#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel::training {

/// The factor of each class's loss, for pictures with these labels, which are trained on; nothing where all are 1.
/// Classes without a picture have 1 where the weights are balanced. Throws Error (kRecipe) for a name that is no class
/// (the nearest one is named), and where nothing would be learned.
[[nodiscard]] std::vector<float> class_weights(const ClassWeight& weight, const std::vector<std::string>& class_names,
                                               std::span<const Label> labels);

}  // namespace lapel::training
