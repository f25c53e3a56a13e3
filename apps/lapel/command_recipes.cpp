#include <fmt/format.h>

#include <algorithm>

#include "command.h"
#include "recipe_finder.h"

namespace lapel::app {

Command recipes_command() {
  return {.name = "recipes",
          .help = "Lists the recipes that ship with Lapel, a line each.",
          .arguments = {},
          .run = [](Output& output) {
            const std::vector<RecipeInfo> recipes = shipped_recipes();
            std::size_t width = 0;
            for (const auto& recipe : recipes) {
              width = std::max(width, recipe.name.size());
            }
            for (const auto& recipe : recipes) {
              output.print(fmt::format("{:<{}}  {}\n", recipe.name, width, recipe.description));
            }
            return kSuccess;
          }};
}

}  // namespace lapel::app
