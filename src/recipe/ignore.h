#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recipe/toml_tree.h"

/// `ignore` of [data]: a list of texts, which the table of options does not know.
namespace lapel::recipe {

inline constexpr std::string_view kIgnoreKey = "ignore";
inline constexpr std::string_view kIgnoreHelp =
    "patterns of files that may be left out, as [\"*.tif\"], and \"damaged\" for pictures that cannot be read";

/// Throws Error (kRecipe), without a place, for another thing than a list of texts.
[[nodiscard]] std::vector<std::string> read_ignore(const TomlValue& value);

/// `ignore = ["*.tif"]`
[[nodiscard]] std::string ignore_line(const std::vector<std::string>& patterns);

}  // namespace lapel::recipe
