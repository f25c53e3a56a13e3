#pragma once

#include <string>

namespace lapel::app {

/// Every option of recipes, grouped, from the tables that the reader of recipes itself uses.
[[nodiscard]] std::string recipe_help();

}  // namespace lapel::app
