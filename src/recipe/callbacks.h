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
inline constexpr std::string_view kCallbacksKey = "callbacks";
inline constexpr std::string_view kCallbacksHelp = "what happens beside the steps of a training";

/// `[[train.callbacks]]`, or a list of tables. Throws Error (kRecipe) at the callback's place.
[[nodiscard]] std::vector<TypedSpec> read_callbacks(const TomlEntry& entry, const PlaceOf& place_of);

/// A `[[train.callbacks]]` with every option for each of them.
[[nodiscard]] std::string callback_lines(std::span<const TypedSpec> callbacks);

}  // namespace lapel::recipe
