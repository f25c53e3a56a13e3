#pragma once

#include "base/shape.h"
#include "lapel/recipe.h"

namespace lapel::layers {

/// The options with which Input has this shape.
[[nodiscard]] OptionValues input_options(const Shape& shape);

}  // namespace lapel::layers
