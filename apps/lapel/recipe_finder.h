#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lapel/recipe.h"

namespace lapel::app {

/// The shipped recipes: of the folder in the environment variable LAPEL_RECIPES, else of the source tree or the
/// installation that this program is part of. Throws Error (kIo) that lists the places where none was found.
[[nodiscard]] std::vector<RecipeInfo> shipped_recipes();

/// Reads the recipe in the file `name`, or else the shipped recipe of that name.
/// Throws Error (kUsage) where there is neither; as read_recipe does otherwise.
[[nodiscard]] Recipe find_recipe(const std::string& name);

}  // namespace lapel::app
