#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/recipe.h"
#include "recipe/toml_options.h"
#include "recipe/toml_tree.h"

namespace lapel::recipe {

/// The key of [train] under which they are.
inline constexpr std::string_view kGroupsKey = "groups";
inline constexpr std::string_view kGroupsHelp =
    "weights, by patterns of their names, that are trained otherwise; the last one that fits counts";

/// `[[train.groups]]`, or a list of tables. Throws Error (kRecipe) at the group's place.
[[nodiscard]] std::vector<WeightGroup> read_groups(const TomlEntry& entry, const PlaceOf& place_of);

/// `groups = [{ match = "*/bias", ... }]` with every option.
[[nodiscard]] std::string groups_line(std::span<const WeightGroup> groups);

}  // namespace lapel::recipe
