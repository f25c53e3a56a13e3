#pragma once

#include <string>
#include <string_view>

namespace lapel::recipe {

/// Throws Error (kRecipe) at `place:line` where a TOML text has tables and lists within each other beyond kDeepest
/// (base/limits.h): what reads it, and what frees it, calls itself for each. Looks at brackets and at the dots of keys
/// alone, and so takes any text. Throws the same for a table in brackets whose name begins with no character of names,
/// on which toml++ 3.3 relies.
void check_depth(std::string_view text, const std::string& place);

}  // namespace lapel::recipe
