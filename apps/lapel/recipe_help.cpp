#include "recipe_help.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "help.h"
#include "lapel/recipe.h"

namespace lapel::app {

std::string recipe_help() {
  constexpr std::size_t kColumn = 36;
  std::string text =
      "Options of recipes, with their defaults. --set takes them as KEY=VALUE, a layer by its name:\n"
      "  --set train.epochs=3 --set train.optimizer.learning_rate=0.1 --set layers.dense.units=64\n";
  std::vector<std::pair<std::string, std::string>> groups;
  for (const auto& option : recipe_options()) {
    const std::size_t dot = option.key.rfind('.');
    const std::string prefix = dot == std::string::npos ? std::string() : option.key.substr(0, dot);
    const std::string key = dot == std::string::npos ? option.key : option.key.substr(dot + 1);
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& known) { return known.first == prefix; });
    if (group == groups.end()) {
      group = groups.insert(group, {prefix, {}});
    }
    const bool required = option.default_value == "required";
    group->second += help_entry(required ? key + "  (required)" : fmt::format("{} = {}", key, option.default_value),
                                fmt::format("{}: {}", option.type, option.help), kColumn);
  }
  for (const auto& [name, entries] : groups) {
    text += name.empty() ? "\n" : fmt::format("\n{}\n", name);
    text += entries;
  }
  return text;
}

}  // namespace lapel::app
