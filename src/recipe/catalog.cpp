#include <fmt/format.h>

#include <algorithm>

#include "lapel/recipe.h"
#include "layers/layer.h"
#include "recipe/blocks.h"
#include "recipe/callbacks.h"
#include "recipe/class_weight.h"
#include "recipe/extends.h"
#include "recipe/groups.h"
#include "recipe/ignore.h"
#include "recipe/schema.h"
#include "recipe/toml_tree.h"
#include "train/callbacks/callback_type.h"

namespace lapel {

namespace recipe {

namespace {

std::string type_text(const OptionRule& rule) {
  struct Text {
    std::string operator()(bool) const { return "true or false"; }
    std::string operator()(std::int64_t) const { return "integer"; }
    std::string operator()(double) const { return "number"; }
    std::string operator()(const std::string&) const { return "text"; }
    std::string operator()(const std::vector<std::int64_t>&) const { return "list of integers"; }
    std::string operator()(const std::vector<double>&) const { return "number or [number, number]"; }
  };
  const std::string word = rule.word.empty() ? std::string() : fmt::format(" or \"{}\"", rule.word);
  return rule.pair ? "integer or [integer, integer]" : std::visit(Text{}, rule.default_value) + word;
}

OptionInfo info(std::string_view section, const OptionRule& rule) {
  const std::string range = range_text(rule);
  return {.key = section.empty() ? std::string(rule.key) : fmt::format("{}.{}", section, rule.key),
          .type = type_text(rule),
          .default_value = rule.required ? "required" : option_text(rule, rule.default_value),
          .help = range.empty() ? std::string(rule.help) : fmt::format("{} ({})", rule.help, range)};
}

void add_all(std::vector<OptionInfo>& list, std::string_view section, std::span<const OptionRule> rules) {
  for (const auto& rule : rules) {
    list.push_back(info(section, rule));
  }
}

/// ` ("SGD": one sentence; "Adam": another)`
template <class Types>
std::string choices_text(const Types& types) {
  std::string choices;
  for (const auto& type : types) {
    choices += fmt::format("{}\"{}\": {}", choices.empty() ? "" : "; ", type.type, type.help);
  }
  return fmt::format(" ({})", choices);
}

void add_typed(std::vector<OptionInfo>& list, const TypedKey& key) {
  list.push_back({.key = fmt::format("train.{}", key.key),
                  .type = "text, or table with type and options",
                  .default_value = option_text((TrainSpec{}.*key.member).type),
                  .help = std::string(key.help) + choices_text(key.types())});
  for (const auto& type : key.types()) {
    add_all(list, fmt::format("train.{}.{}", key.key, type.type), type.rules);
  }
}

RecipeInfo recipe_info(const std::filesystem::path& file) {
  const TomlTable document = read_toml(file);
  const auto text_of = [&](std::string_view key) {
    const TomlEntry* entry = find_entry(document, key);
    return entry != nullptr && entry->value.text() != nullptr ? *entry->value.text() : std::string();
  };
  RecipeInfo result{text_of("name"), text_of("description"), file};
  if (result.name.empty()) {
    result.name = file.stem().string();
  }
  return result;
}

}  // namespace

}  // namespace recipe

std::vector<RecipeInfo> list_recipes(const std::filesystem::path& folder) {
  std::error_code problem;
  std::vector<RecipeInfo> recipes;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (entry->path().extension() == ".toml") {
      recipes.push_back(recipe::recipe_info(entry->path()));
    }
  }
  if (problem) {
    throw Error(ErrorKind::kIo, folder.string(), fmt::format("cannot be listed: {}", problem.message()));
  }
  std::sort(recipes.begin(), recipes.end(),
            [](const auto& a, const auto& b) { return std::pair(a.name, a.file) < std::pair(b.name, b.file); });
  return recipes;
}

std::vector<OptionInfo> recipe_options() {
  using namespace recipe;
  std::vector<OptionInfo> list;
  add_all(list, {}, rules_of(recipe_table()));
  list.push_back(
      {.key = std::string(kExtendsKey), .type = "text", .default_value = "\"\"", .help = std::string(kExtendsHelp)});
  add_all(list, "data", rules_of(data_table()));
  list.push_back({.key = fmt::format("data.{}", kIgnoreKey),
                  .type = "list of texts",
                  .default_value = "[]",
                  .help = std::string(kIgnoreHelp)});
  add_all(list, "layers", layer_keys());
  for (auto& key : list) {
    key.type = key.key == "layers.inputs" ? "list of texts" : key.type;
    key.default_value = key.key == "layers.inputs" ? "[]" : key.default_value;
    key.help += key.key == "layers.type" ? choices_text(layers::layer_types()) : "";
  }
  for (const auto& option : block_options()) {
    list.push_back(option);
  }
  for (const auto& type : layers::layer_types()) {
    add_all(list, fmt::format("layers.{}", type.type), type.rules);
  }
  add_all(list, "train", rules_of(training::train_options()));
  for (const auto& key : typed_keys()) {
    add_typed(list, key);
  }
  list.push_back({.key = fmt::format("train.{}", kClassWeightKey),
                  .type = "text, or table of classes",
                  .default_value = "\"none\"",
                  .help = std::string(kClassWeightHelp)});
  list.push_back({.key = fmt::format("train.{}", kGroupsKey),
                  .type = "list of tables, or [[train.groups]]",
                  .default_value = "[]",
                  .help = std::string(kGroupsHelp)});
  add_all(list, fmt::format("train.{}", kGroupsKey), rules_of(training::group_options()));
  list.push_back({.key = fmt::format("train.{}", kCallbacksKey),
                  .type = "list of tables, or [[train.callbacks]]",
                  .default_value = "[]",
                  .help = std::string(kCallbacksHelp) + choices_text(training::callback_types())});
  for (const auto& type : training::callback_types()) {
    add_all(list, fmt::format("train.{}.{}", kCallbacksKey, type.type), type.rules);
  }
  return list;
}

}  // namespace lapel
