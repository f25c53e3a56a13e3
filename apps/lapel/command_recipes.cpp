#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "command.h"
#include "lapel/recipe.h"
#include "recipe_finder.h"

namespace lapel::app {

Command recipes_command() {
  const auto name = std::make_shared<std::string>();
  return {.name = "recipes",
          .help = "Lists the recipes that ship with Lapel, a line each; or prints one with everything written out.",
          .arguments = {{.name = "RECIPE",
                         .value = {},
                         .help = "recipe file, or name of a shipped recipe, to print with every layer and option",
                         .target = name.get(),
                         .required = false}},
          .run = [name](Output& output) {
            if (!name->empty()) {
              output.print(write_recipe(find_recipe(*name)));
              return kSuccess;
            }
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
