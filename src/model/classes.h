#pragma once

#include <cstdint>
#include <vector>

#include "lapel/recipe.h"

namespace lapel::model {

/// `layers` with the number of classes wherever a Dense layer has units = 0, which stands for it.
[[nodiscard]] std::vector<LayerSpec> with_classes(std::vector<LayerSpec> layers, std::int64_t classes);

}  // namespace lapel::model
