#include "recipe/toml_options.h"

#include <fmt/format.h>

#include <algorithm>

namespace lapel::recipe {

OptionValue read_value(const TomlEntry& entry, const OptionRule& rule) {
  if (const auto value = to_option(entry.value)) {
    return checked_value(rule, *value);
  }
  const OptionValue other_type =
      std::holds_alternative<std::string>(rule.default_value) ? OptionValue(false) : std::string();
  try {
    return checked_value(rule, other_type);
  } catch (const Error& error) {
    throw Error(error.kind(), {}, fmt::format("{} = {} is not allowed", entry.key, toml_text(entry.value)),
                error.facts(), error.hint());
  }
}

OptionValues read_values(const TomlTable& entries, std::span<const OptionRule> rules,
                         std::span<const std::string_view> others, std::string_view where, const PlaceOf& place_of) {
  OptionValues values;
  std::vector<std::string_view> known;
  for (const auto& rule : rules) {
    known.push_back(rule.key);
  }
  known.insert(known.end(), others.begin(), others.end());
  for (const auto& entry : entries) {
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      throw Error(ErrorKind::kRecipe, place_of(entry.line), fmt::format("unknown key \"{}\"{}", entry.key, where),
                  {{"known", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(entry.key, known));
    }
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.key == entry.key; });
    if (rule != rules.end()) {
      values.emplace(entry.key, at_place(place_of(entry.line), [&] { return read_value(entry, *rule); }));
    }
  }
  return values;
}

TypedSpec read_typed(const TomlEntry& entry, std::string_view what, std::span<const training::TypeEntry> types,
                     const TypedSpec& base, const PlaceOf& place_of) {
  TypedSpec spec{{}, {}, place_of(entry.line)};
  const TomlTable* table = entry.value.table();
  const TomlEntry* type = table == nullptr ? &entry : find_entry(*table, "type");
  if (type == nullptr && !base.place.empty()) {
    spec.type = base.type;
    spec.options = base.options;
  } else if (type == nullptr || type->value.text() == nullptr) {
    const auto& first = types.front().type;
    throw Error(ErrorKind::kRecipe, spec.place,
                table == nullptr ? fmt::format("{} = {} is not allowed", what, toml_text(entry.value))
                                 : fmt::format("{} has no type", what),
                {{"allowed", "a text in quotes, or a table with a type"}},
                fmt::format("{} = {{ type = \"{}\" }}", what, first));
  } else {
    spec.type = *type->value.text();
  }
  for (const auto& option : table == nullptr ? TomlTable{} : *table) {
    if (option.key == "type") {
      continue;
    }
    const std::string place = place_of(option.line);
    const auto value = to_option(option.value);
    if (!value) {
      throw Error(ErrorKind::kRecipe, place,
                  fmt::format("{} = {} is not allowed", option.key, toml_text(option.value)));
    }
    const TypedSpec one = training::resolved_part(what, types, {spec.type, {{option.key, *value}}, place});
    spec.options.insert_or_assign(option.key, one.options.find(option.key)->second);
  }
  static_cast<void>(training::resolved(what, types, spec));
  return spec;
}

}  // namespace lapel::recipe
