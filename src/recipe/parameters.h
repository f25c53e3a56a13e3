#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "recipe/toml_tree.h"

/// The parameters of a block: `{word}` in the texts of its layers.
namespace lapel::recipe {

/// The value of a parameter. Throws Error where it has none.
using ParameterValue = std::function<const TomlValue&(const std::string& parameter)>;

/// Adds the words that stand in braces in the texts of `value`, at any depth.
void collect_parameters(const TomlValue& value, std::set<std::string, std::less<>>& parameters);

/// `value` with its parameters filled in. A text that is one parameter, as "{filters}", becomes the parameter's value,
/// of whatever type; within a longer text, as "{name}_norm", stands a text or an integer. Throws Error (kRecipe)
/// without a place for a value that cannot stand there, and for a text that grows beyond 1000 characters.
[[nodiscard]] TomlValue filled(const TomlValue& value, const ParameterValue& value_of);

}  // namespace lapel::recipe
