#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lapel/recipe.h"

/// A TOML document as plain values with their lines; the one door to the TOML library.
namespace lapel::recipe {

struct TomlEntry;
struct TomlValue;
using TomlList = std::vector<TomlValue>;
using TomlTable = std::vector<TomlEntry>;  ///< In the order of the document.

/// A date or time, which no recipe has a use for.
struct TomlDate {};

struct TomlValue {
  std::variant<bool, std::int64_t, double, std::string, TomlList, TomlTable, TomlDate> content;
  std::int64_t line = 0;  ///< From 1.

  [[nodiscard]] const TomlTable* table() const { return std::get_if<TomlTable>(&content); }
  [[nodiscard]] const TomlList* list() const { return std::get_if<TomlList>(&content); }
  [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&content); }
};

struct TomlEntry {
  std::string key;
  TomlValue value;
  std::int64_t line = 0;
};

/// The entry with this key; null if there is none.
[[nodiscard]] const TomlEntry* find_entry(const TomlTable& table, std::string_view key);

/// Throws Error (kRecipe) at `place:line` for text that is no TOML.
[[nodiscard]] TomlTable parse_toml(std::string_view text, const std::string& place);

/// The document in a file. Throws also Error (kIo).
[[nodiscard]] TomlTable read_toml(const std::filesystem::path& file);

/// What stands on the right side of `key =`. Throws Error (kRecipe) at `place`. Text that is no TOML value and
/// does not begin as one (with a quote, bracket or brace) is taken as a string.
[[nodiscard]] TomlValue parse_toml_value(std::string_view text, const std::string& place);

/// The value as an option; nothing for a table, a date, or a list of other things than numbers.
[[nodiscard]] std::optional<OptionValue> to_option(const TomlValue& value);

/// As it could have been written, shortened: `{...}` for a table.
[[nodiscard]] std::string toml_text(const TomlValue& value);

}  // namespace lapel::recipe
