#pragma once

#include <string>
#include <string_view>

#include "lapel/recipe.h"
#include "recipe/toml_tree.h"

/// `class_weight` of [train]: a word, or a table of names that no table of options knows.
namespace lapel::recipe {

inline constexpr std::string_view kClassWeightKey = "class_weight";
inline constexpr std::string_view kClassWeightHelp =
    "factors of the loss of each class's pictures: { cat = 2, dog = 1 }, 1 for those not named; \"balanced\": all "
    "classes count alike, whatever their number of pictures; \"none\"";

/// Throws Error (kRecipe), without a place, for another word and for what is not a number from 0 on.
[[nodiscard]] ClassWeight read_class_weight(const TomlValue& value);

/// `class_weight = "balanced"`, or `class_weight = { "cat" = 2.0 }`
[[nodiscard]] std::string class_weight_line(const ClassWeight& weight);

}  // namespace lapel::recipe
