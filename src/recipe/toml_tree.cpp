#include "recipe/toml_tree.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "base/options.h"
#include "formats/bytes.h"
#include "lapel/error.h"
#include "recipe/toml_depth.h"

namespace lapel::recipe {

namespace {

TomlTable converted_table(const toml::table& table, const std::string& place, std::size_t depth);

/// `depth`: tables and lists around the node.
TomlValue converted(const toml::node& node, const std::string& place, std::size_t depth) {
  if (depth > kDeepest) {
    throw Error(ErrorKind::kRecipe, fmt::format("{}:{}", place, node.source().begin.line),
                fmt::format("more than {} tables or lists within each other", kDeepest));
  }
  TomlValue value;
  value.line = node.source().begin.line;
  if (const auto* flag = node.as_boolean()) {
    value.content = flag->get();
  } else if (const auto* integer = node.as_integer()) {
    value.content = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.content = number->get();
  } else if (const auto* text = node.as_string()) {
    value.content = text->get();
  } else if (const auto* table = node.as_table()) {
    value.content = converted_table(*table, place, depth);
  } else if (const auto* array = node.as_array()) {
    TomlList list;
    for (const auto& item : *array) {
      list.push_back(converted(item, place, depth + 1));
    }
    value.content = std::move(list);
  } else {
    value.content = TomlDate{};
  }
  return value;
}

TomlTable converted_table(const toml::table& table, const std::string& place, std::size_t depth) {
  std::vector<std::pair<toml::source_position, TomlEntry>> entries;
  for (const auto& [key, node] : table) {
    const toml::source_position begin = key.source().begin;
    entries.push_back({begin, {std::string(key.str()), converted(node, place, depth + 1), begin.line}});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  TomlTable result;
  for (auto& [position, entry] : entries) {
    result.push_back(std::move(entry));
  }
  return result;
}

}  // namespace

const TomlEntry* find_entry(const TomlTable& table, std::string_view key) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const TomlEntry& entry) { return entry.key == key; });
  return found == table.end() ? nullptr : &*found;
}

TomlTable parse_toml(std::string_view text, const std::string& place) {
  check_depth(text, place);
  try {
    return converted_table(toml::parse(text), place, 0);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kRecipe, fmt::format("{}:{}", place, error.source().begin.line),
                fmt::format("not TOML: {}", error.description()));
  }
}

TomlTable read_toml(const std::filesystem::path& file) {
  if (std::error_code ignored; std::filesystem::is_directory(file, ignored)) {
    throw Error(ErrorKind::kIo, file.string(), "a recipe is a file, this is a folder");
  }
  return parse_toml(formats::read_text_file(file, {kMostRecipeBytes}), file.string());
}

TomlValue parse_toml_value(std::string_view text, const std::string& place) {
  const auto parsed = [&](std::string_view right_side) {
    TomlTable table = converted_table(toml::parse(fmt::format("value = {}", right_side)), place, 0);
    return table.size() == 1 ? std::optional(std::move(table.front().value)) : std::nullopt;
  };
  check_depth(fmt::format("value = {}", text), place);
  const bool begins_as_toml = text.find_first_of("\"'[{") == 0;
  try {
    std::optional<TomlValue> value = parsed(text);
    if (value && !std::holds_alternative<TomlDate>(value->content)) {
      return std::move(*value);
    }
  } catch (const toml::parse_error& error) {
    if (begins_as_toml) {
      throw Error(ErrorKind::kRecipe, place, fmt::format("not a TOML value: {}", error.description()));
    }
  }
  try {
    return std::move(*parsed(option_text(std::string(text))));
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kRecipe, place, fmt::format("not a TOML value: {}", error.description()));
  }
}

std::optional<OptionValue> to_option(const TomlValue& value) {
  struct Convert {
    std::optional<OptionValue> operator()(const TomlList& list) const {
      std::vector<std::int64_t> integers;
      std::vector<double> numbers;
      for (const auto& item : list) {
        if (const auto* integer = std::get_if<std::int64_t>(&item.content)) {
          integers.push_back(*integer);
          numbers.push_back(static_cast<double>(*integer));
        } else if (const auto* number = std::get_if<double>(&item.content)) {
          numbers.push_back(*number);
        } else {
          return std::nullopt;
        }
      }
      return integers.size() == list.size() ? OptionValue(std::move(integers)) : OptionValue(std::move(numbers));
    }
    std::optional<OptionValue> operator()(const TomlTable& /*table*/) const { return std::nullopt; }
    std::optional<OptionValue> operator()(const TomlDate& /*date*/) const { return std::nullopt; }
    std::optional<OptionValue> operator()(bool flag) const { return flag; }
    std::optional<OptionValue> operator()(std::int64_t integer) const { return integer; }
    std::optional<OptionValue> operator()(double number) const { return number; }
    std::optional<OptionValue> operator()(const std::string& text) const { return text; }
  };
  return std::visit(Convert{}, value.content);
}

std::string toml_text(const TomlValue& value) {
  if (const auto option = to_option(value)) {
    return option_text(*option);
  }
  if (const auto* list = value.list()) {
    std::string text;
    for (const auto& item : *list) {
      text += (text.empty() ? "" : ", ") + toml_text(item);
    }
    return fmt::format("[{}]", text);
  }
  return value.table() != nullptr ? "{...}" : "a date or time";
}

}  // namespace lapel::recipe
