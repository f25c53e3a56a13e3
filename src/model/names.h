#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/recipe.h"

namespace lapel::model {

/// The name of each layer: its own, or as Keras names it (`dense`, `dense_1`, ... by type), where names given to
/// other layers are left out. Throws Error (kRecipe) at the layer's place for an unknown type, a name that is not of
/// letters, digits, `_`, `.` and `-`, and a name given twice.
[[nodiscard]] std::vector<std::string> layer_names(std::span<const LayerSpec> layers);

/// Where a layer stands, for errors: `fashion.toml:31, layer 'conv3' (Conv2D)`.
[[nodiscard]] std::string layer_place(const LayerSpec& spec, std::string_view name);

}  // namespace lapel::model
