#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "lapel/recipe.h"
#include "plan/parameters.h"

namespace lapel::training {

/// For each weight the group that it belongs to: the last that fits, or one with factors of 1. Throws Error (kRecipe)
/// for a pattern that no trainable weight fits, with the names there are.
[[nodiscard]] std::vector<WeightGroup> groups_of(std::span<const WeightGroup> groups,
                                                 std::span<const plan::ParameterEntry> entries);

}  // namespace lapel::training
