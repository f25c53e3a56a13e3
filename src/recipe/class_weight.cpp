#include "recipe/class_weight.h"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "base/options.h"
#include "lapel/error.h"

namespace lapel::recipe {

namespace {

double read_factor(const TomlEntry& entry) {
  const auto* number = std::get_if<double>(&entry.value.content);
  const auto* whole = std::get_if<std::int64_t>(&entry.value.content);
  const double factor = number != nullptr ? *number : whole != nullptr ? static_cast<double>(*whole) : -1;
  if (!(factor >= 0) || !std::isfinite(factor)) {
    throw Error(
        ErrorKind::kRecipe, {},
        fmt::format("{}: {} = {} is not allowed", kClassWeightKey, option_text(entry.key), toml_text(entry.value)),
        {{"allowed", "at least 0"}}, "1, as of classes that are not named");
  }
  return factor;
}

}  // namespace

ClassWeight read_class_weight(const TomlValue& value) {
  ClassWeight weight;
  const std::string* word = value.text();
  if (word != nullptr && (*word == "balanced" || *word == "none")) {
    weight.balanced = *word == "balanced";
    return weight;
  }
  const TomlTable* table = value.table();
  if (table == nullptr) {
    throw Error(ErrorKind::kRecipe, {}, fmt::format("{} = {} is not allowed", kClassWeightKey, toml_text(value)),
                {{"allowed", "\"none\", \"balanced\", or a table of classes"}}, "class_weight = { cat = 2, dog = 1 }");
  }
  for (const TomlEntry& entry : *table) {
    weight.by_name.emplace(entry.key, read_factor(entry));
  }
  return weight;
}

std::string class_weight_line(const ClassWeight& weight) {
  std::string factors;
  for (const auto& [name, factor] : weight.by_name) {
    factors += fmt::format("{}{} = {}", factors.empty() ? "" : ", ", option_text(name), option_text(factor));
  }
  const std::string word = option_text(std::string(weight.balanced ? "balanced" : "none"));
  return fmt::format("{} = {}\n", kClassWeightKey, factors.empty() ? word : fmt::format("{{ {} }}", factors));
}

}  // namespace lapel::recipe
