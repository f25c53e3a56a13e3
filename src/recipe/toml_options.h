#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "lapel/recipe.h"
#include "recipe/schema.h"
#include "recipe/toml_tree.h"

namespace lapel::recipe {

/// Where a line of the text is, for errors: `fashion.toml:31`.
using PlaceOf = std::function<std::string(std::int64_t line)>;

/// `entry` as the value that `rule` allows. Throws Error (kRecipe) without a place.
[[nodiscard]] OptionValue read_value(const TomlEntry& entry, const OptionRule& rule);

/// The values of `entries`, each checked against its rule. Throws Error (kRecipe), at the entry's place, for a key
/// without a rule: `unknown key "epohcs"`, followed by `where`, as ` in [train]`. `others` are further known keys,
/// whose entries are passed over.
[[nodiscard]] OptionValues read_values(const TomlTable& entries, std::span<const OptionRule> rules,
                                       std::span<const std::string_view> others, std::string_view where,
                                       const PlaceOf& place_of);

/// A type name alone, or a table with `type` and options; a table without `type` changes options of `base`, where that
/// was written somewhere. `what` says of what, "optimizer". Throws Error (kRecipe) at the entry's place.
[[nodiscard]] TypedSpec read_typed(const TomlEntry& entry, std::string_view what,
                                   std::span<const training::TypeEntry> types, const TypedSpec& base,
                                   const PlaceOf& place_of);

}  // namespace lapel::recipe
