#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/only_errors.h"
#include "data/splits.h"
#include "lapel/error.h"
#include "lapel/recipe.h"
#include "layers/layer.h"
#include "model/names.h"
#include "recipe/blocks.h"
#include "recipe/callbacks.h"
#include "recipe/class_weight.h"
#include "recipe/extends.h"
#include "recipe/groups.h"
#include "recipe/ignore.h"
#include "recipe/schema.h"
#include "recipe/toml_options.h"
#include "recipe/toml_tree.h"
#include "train/deadline.h"

namespace lapel {

namespace recipe {

namespace {

constexpr std::array<std::string_view, 5> kSections = {"data", "layers", "train", kBlocksKey, kExtendsKey};

/// What a recipe begins with: the one it extends, or nothing.
struct Base {
  Recipe recipe;
  Blocks blocks;
};

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
LayerSpec read_layer(const PlainLayer& layer) {
  LayerSpec spec;
  spec.place = layer.place_of(layer.line);
  spec.type = read_layer_text(layer.entries, "type", layer.place_of);
  spec.name = read_layer_text(layer.entries, "name", layer.place_of);
  if (spec.type.empty()) {
    throw Error(ErrorKind::kRecipe, spec.place, "a layer without a type", {}, "type = \"Dense\"");
  }
  if (const TomlEntry* inputs = find_entry(layer.entries, "inputs")) {
    spec.inputs = read_inputs(*inputs, layer.place_of);
  }
  return spec;
}

std::vector<LayerSpec> read_layers(const TomlEntry& entry, const Blocks& blocks, const PlaceOf& place_of) {
  const TomlList* list = entry.value.list();
  const auto is_table = [](const TomlValue& item) { return item.table() != nullptr; };
  if (list == nullptr || list->empty() || !std::all_of(list->begin(), list->end(), is_table)) {
    throw Error(ErrorKind::kRecipe, place_of(entry.line), "\"layers\" is not a list of tables", {}, "[[layers]]");
  }
  const std::vector<PlainLayer> layers = plain_layers(*list, blocks, place_of);
  std::vector<LayerSpec> specs;
  for (const auto& layer : layers) {
    specs.push_back(read_layer(layer));
  }
  const std::vector<std::string> names = model::layer_names(specs);
  std::vector<std::string_view> others;
  for (const auto& key : layer_keys()) {
    others.push_back(key.key);
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    LayerSpec& spec = specs[i];
    const PlaceOf layer_place_of = [&](std::int64_t line) {
      return model::layer_place({spec.type, {}, {}, {}, layers[i].place_of(line)}, names[i]);
    };
    spec.options = read_values(layers[i].entries, layers::find_layer_type(spec.type).rules, others, {}, layer_place_of);
    name_inputs(spec, names);
    check_layer(spec, names[i]);
  }
  return specs;
}

DataSpec read_data(const TomlTable& document, DataSpec base, const PlaceOf& place_of) {
  const TomlTable* table = section(document, "data", place_of);
  if (table == nullptr) {
    return base;
  }
  const TomlEntry* split = find_entry(*table, "validation_split");
  const TomlEntry* validation = find_entry(*table, "validation");
  if (split != nullptr || validation != nullptr) {  // One kind takes the place of the other one.
    base.validation.clear();
    base.validation_split = 0;
  }
  const auto rules = rules_of(data_table());
  const std::array others = {kIgnoreKey};
  DataSpec data = read_options(data_table(), read_values(*table, rules, others, " in [data]", place_of), base);
  if (const TomlEntry* ignore = find_entry(*table, kIgnoreKey)) {
    data.ignore = at_place(place_of(ignore->line), [&] { return read_ignore(ignore->value); });
  }
  const std::int64_t line = std::max({find_entry(document, "data")->line, validation == nullptr ? 0 : validation->line,
                                      split == nullptr ? 0 : split->line});
  at_place(place_of(line), [&] { return data::split_training(data, kManySamples); });
  return data;
}

TrainSpec read_train(const TomlTable& document, TrainSpec base, const PlaceOf& place_of) {
  const TomlTable* table = section(document, "train", place_of);
  if (table == nullptr) {
    return base;
  }
  if (find_entry(*table, "epochs") != nullptr) {  // A time of the base would leave them without effect.
    base.time_budget.clear();
  }
  std::vector<std::string_view> others;
  for (const auto& key : typed_keys()) {
    others.push_back(key.key);
  }
  others.push_back(kClassWeightKey);
  others.push_back(kGroupsKey);
  others.push_back(kCallbacksKey);
  const auto rules = rules_of(training::train_options());
  TrainSpec spec =
      read_options(training::train_options(), read_values(*table, rules, others, " in [train]", place_of), base);
  if (const TomlEntry* weight = find_entry(*table, kClassWeightKey)) {
    spec.class_weight = at_place(place_of(weight->line), [&] { return read_class_weight(weight->value); });
  }
  if (const TomlEntry* groups = find_entry(*table, kGroupsKey)) {
    spec.groups = read_groups(*groups, place_of);
  }
  if (const TomlEntry* callbacks = find_entry(*table, kCallbacksKey)) {
    spec.callbacks = read_callbacks(*callbacks, place_of);
  }
  if (const TomlEntry* budget = find_entry(*table, "time_budget")) {
    at_place(place_of(budget->line), [&] { return training::budget_seconds(spec.time_budget); });
  }
  for (const auto& key : typed_keys()) {
    if (const TomlEntry* entry = find_entry(*table, key.key)) {
      spec.*key.member = read_typed(*entry, key.key, key.types(), base.*key.member, place_of);
    }
  }
  return spec;
}

/// What the document says, on top of `base`; its blocks come to those of the base.
void read_document(const TomlTable& document, Base& base, const std::string& place) {
  const PlaceOf place_of = [place](std::int64_t line) { return fmt::format("{}:{}", place, line); };
  const auto rules = rules_of(recipe_table());
  Recipe& result = base.recipe;
  result = read_options(recipe_table(), read_values(document, rules, kSections, {}, place_of), result);
  if (const TomlEntry* name = find_entry(document, "name")) {
    at_place(place_of(name->line), [&] { check_name(result.name); });
  }
  result.data = read_data(document, result.data, place_of);
  read_blocks(document, place_of, base.blocks);
  if (const TomlEntry* layers = find_entry(document, "layers")) {
    result.layers = read_layers(*layers, base.blocks, place_of);
  } else if (result.layers.empty()) {
    throw Error(ErrorKind::kRecipe, place, "the recipe has no layers", {}, "[[layers]]");
  }
  result.train = read_train(document, result.train, place_of);
}

/// A folder beside the recipe, where `source` names one.
std::string resolved_source(const std::string& source, const std::filesystem::path& file) {
  const std::filesystem::path beside = std::filesystem::absolute(file).parent_path() / source;
  const bool known = source == DataSpec{}.source;
  std::error_code ignored;  // Of a place that cannot be looked at, reading tells.
  return !known && std::filesystem::is_directory(beside, ignored) ? beside.lexically_normal().string() : source;
}

/// The recipe in the file, on top of those that it extends. `before`: the files that lead to it.
Base read_file(const std::filesystem::path& file, const std::filesystem::path& shipped,
               std::vector<std::filesystem::path> before) {
  const TomlTable document = read_toml(file);
  Base base;
  if (const auto extended = extended_file(document, file, shipped, before)) {
    before.push_back(file);
    base = read_file(*extended, shipped, std::move(before));
    base.recipe.description.clear();
  }
  base.recipe.name = file.stem().string();
  read_document(document, base, file.string());
  const TomlEntry* data = find_entry(document, "data");
  if (data != nullptr && find_entry(*data->value.table(), "source") != nullptr) {
    base.recipe.data.source = resolved_source(base.recipe.data.source, file);
  }
  if (data != nullptr && !base.recipe.data.test_source.empty() &&
      find_entry(*data->value.table(), "test_source") != nullptr) {
    base.recipe.data.test_source = resolved_source(base.recipe.data.test_source, file);
  }
  return base;
}

}  // namespace

}  // namespace recipe

Recipe parse_recipe(std::string_view toml, const std::string& place) {
  return only_errors(place, [&] {
    const recipe::TomlTable document = recipe::parse_toml(toml, place);
    recipe::refuse_extends(document, place);
    recipe::Base base;
    recipe::read_document(document, base, place);
    return base.recipe;
  });
}

Recipe read_recipe(const std::filesystem::path& file, const std::filesystem::path& shipped) {
  return only_errors(file.string(), [&] { return recipe::read_file(file, shipped, {}).recipe; });
}

}  // namespace lapel
