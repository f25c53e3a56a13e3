#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/splits.h"
#include "lapel/error.h"
#include "lapel/recipe.h"
#include "layers/layer.h"
#include "model/names.h"
#include "recipe/groups.h"
#include "recipe/schema.h"
#include "recipe/toml_tree.h"
#include "recipe/typed.h"
#include "train/budget.h"

namespace lapel {

namespace recipe {

namespace {

constexpr std::array<std::string_view, 3> kSections = {"data", "layers", "train"};

/// The table at `key`; null where there is none. Throws where it is something else.
const TomlTable* section(const TomlTable& document, std::string_view key, const PlaceOf& place_of) {
  const TomlEntry* entry = find_entry(document, key);
  if (entry != nullptr && entry->value.table() == nullptr) {
    throw Error(ErrorKind::kRecipe, place_of(entry->line), fmt::format("\"{}\" is not a section", key), {},
                fmt::format("[{}]", key));
  }
  return entry == nullptr ? nullptr : entry->value.table();
}

std::vector<std::string> read_inputs(const TomlEntry& entry, const PlaceOf& place_of) {
  std::vector<std::string> inputs;
  const TomlList* list = entry.value.list();
  const auto is_text = [](const TomlValue& item) { return item.text() != nullptr; };
  if (list == nullptr || !std::all_of(list->begin(), list->end(), is_text)) {
    throw Error(ErrorKind::kRecipe, place_of(entry.line),
                fmt::format("inputs = {} is not allowed", toml_text(entry.value)),
                {{"allowed", "a list of names of layers"}}, "inputs = [\"conv2d\", \"conv2d_1\"]");
  }
  for (const auto& item : *list) {
    inputs.push_back(*item.text());
  }
  return inputs;
}

std::string read_layer_text(const TomlTable& layer, std::string_view key, const PlaceOf& place_of) {
  const TomlEntry* entry = find_entry(layer, key);
  if (entry == nullptr) {
    return {};
  }
  if (entry->value.text() == nullptr || entry->value.text()->empty()) {
    throw Error(ErrorKind::kRecipe, place_of(entry->line),
                fmt::format("{} = {} is not allowed", key, toml_text(entry->value)), {{"allowed", "a text in quotes"}});
  }
  return *entry->value.text();
}

/// Type, name and inputs; the options are read when all names are known.
LayerSpec read_layer(const TomlValue& value, const PlaceOf& place_of) {
  const TomlTable& table = *value.table();
  LayerSpec spec;
  spec.place = place_of(value.line);
  spec.type = read_layer_text(table, "type", place_of);
  spec.name = read_layer_text(table, "name", place_of);
  if (spec.type.empty()) {
    throw Error(ErrorKind::kRecipe, spec.place, "a layer without a type", {}, "type = \"Dense\"");
  }
  if (const TomlEntry* inputs = find_entry(table, "inputs")) {
    spec.inputs = read_inputs(*inputs, place_of);
  }
  return spec;
}

std::vector<LayerSpec> read_layers(const TomlTable& document, const std::string& place, const PlaceOf& place_of) {
  const TomlEntry* entry = find_entry(document, "layers");
  if (entry == nullptr) {
    throw Error(ErrorKind::kRecipe, place, "the recipe has no layers", {}, "[[layers]]");
  }
  const TomlList* list = entry->value.list();
  const auto is_table = [](const TomlValue& item) { return item.table() != nullptr; };
  if (list == nullptr || list->empty() || !std::all_of(list->begin(), list->end(), is_table)) {
    throw Error(ErrorKind::kRecipe, place_of(entry->line), "\"layers\" is not a list of tables", {}, "[[layers]]");
  }
  std::vector<LayerSpec> specs;
  for (const auto& item : *list) {
    specs.push_back(read_layer(item, place_of));
  }
  const std::vector<std::string> names = model::layer_names(specs);
  std::vector<std::string_view> others;
  for (const auto& key : layer_keys()) {
    others.push_back(key.key);
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    LayerSpec& spec = specs[i];
    const PlaceOf layer_place_of = [&](std::int64_t line) {
      return model::layer_place({spec.type, {}, {}, {}, place_of(line)}, names[i]);
    };
    spec.options =
        read_values(*(*list)[i].table(), layers::find_layer_type(spec.type).rules, others, {}, layer_place_of);
    check_layer(spec, names[i]);
  }
  return specs;
}

DataSpec read_data(const TomlTable& document, const PlaceOf& place_of) {
  const TomlTable* table = section(document, "data", place_of);
  if (table == nullptr) {
    return {};
  }
  const auto rules = rules_of(data_table());
  const DataSpec data = read_options(data_table(), read_values(*table, rules, {}, " in [data]", place_of));
  const TomlEntry* split = find_entry(*table, "validation_split");
  const TomlEntry* validation = find_entry(*table, "validation");
  const std::int64_t line = std::max({find_entry(document, "data")->line, validation == nullptr ? 0 : validation->line,
                                      split == nullptr ? 0 : split->line});
  at_place(place_of(line), [&] { return data::split_training(data, kManySamples); });
  return data;
}

TrainSpec read_train(const TomlTable& document, const PlaceOf& place_of) {
  const TomlTable* table = section(document, "train", place_of);
  if (table == nullptr) {
    return {};
  }
  std::vector<std::string_view> others;
  for (const auto& key : typed_keys()) {
    others.push_back(key.key);
  }
  others.push_back(kGroupsKey);
  const auto rules = rules_of(training::train_options());
  TrainSpec spec = read_options(training::train_options(), read_values(*table, rules, others, " in [train]", place_of));
  if (const TomlEntry* groups = find_entry(*table, kGroupsKey)) {
    spec.groups = read_groups(*groups, place_of);
  }
  if (const TomlEntry* budget = find_entry(*table, "time_budget")) {
    at_place(place_of(budget->line), [&] { return training::budget_seconds(spec.time_budget); });
  }
  for (const auto& key : typed_keys()) {
    if (const TomlEntry* entry = find_entry(*table, key.key)) {
      spec.*key.member = read_typed(*entry, key, place_of);
    }
  }
  return spec;
}

Recipe read_document(const TomlTable& document, const std::string& place) {
  const PlaceOf place_of = [&](std::int64_t line) { return fmt::format("{}:{}", place, line); };
  const auto rules = rules_of(recipe_table());
  Recipe result = read_options(recipe_table(), read_values(document, rules, kSections, {}, place_of));
  if (const TomlEntry* name = find_entry(document, "name")) {
    at_place(place_of(name->line), [&] { check_name(result.name); });
  }
  result.data = read_data(document, place_of);
  result.layers = read_layers(document, place, place_of);
  result.train = read_train(document, place_of);
  return result;
}

/// A folder beside the recipe, where `source` names one.
std::string resolved_source(const std::string& source, const std::filesystem::path& file) {
  const std::filesystem::path beside = std::filesystem::absolute(file).parent_path() / source;
  const bool known = source == DataSpec{}.source;
  return !known && std::filesystem::is_directory(beside) ? beside.lexically_normal().string() : source;
}

}  // namespace

}  // namespace recipe

Recipe parse_recipe(std::string_view toml, const std::string& place) {
  return recipe::read_document(recipe::parse_toml(toml, place), place);
}

Recipe read_recipe(const std::filesystem::path& file) {
  const recipe::TomlTable document = recipe::read_toml(file);
  Recipe result = recipe::read_document(document, file.string());
  if (recipe::find_entry(document, "name") == nullptr) {
    result.name = file.stem().string();
  }
  result.data.source = recipe::resolved_source(result.data.source, file);
  return result;
}

}  // namespace lapel
