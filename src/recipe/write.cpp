#include <fmt/format.h>

#include <iterator>

#include "lapel/recipe.h"
#include "layers/layer.h"
#include "model/names.h"
#include "recipe/callbacks.h"
#include "recipe/class_weight.h"
#include "recipe/groups.h"
#include "recipe/ignore.h"
#include "recipe/schema.h"

namespace lapel {

namespace recipe {

namespace {

/// `key = value` for each option, in the order of the table.
std::string option_lines(std::span<const OptionRule> rules, const OptionValues& values) {
  std::string text;
  for (const auto& rule : rules) {
    text += fmt::format("{} = {}\n", rule.key, option_text(rule, values.find(rule.key)->second));
  }
  return text;
}

std::string layer_lines(const LayerSpec& spec, const std::string& name) {
  std::string text = fmt::format("\n[[layers]]\ntype = {}\nname = {}\n", option_text(spec.type), option_text(name));
  if (!spec.inputs.empty()) {
    std::string inputs;
    for (const auto& input : spec.inputs) {
      inputs += (inputs.empty() ? "" : ", ") + option_text(input);
    }
    text += fmt::format("inputs = [{}]\n", inputs);
  }
  return at_place(model::layer_place(spec, name), [&] {
    return text + option_lines(layers::find_layer_type(spec.type).rules,
                               layers::make_layer(spec.type, spec.options)->options());
  });
}

std::string typed_line(const TypedKey& key, const TypedSpec& spec) {
  const TypedSpec full = training::resolved(key.key, key.types(), spec);
  std::string text = fmt::format("{} = {{ type = {}", key.key, option_text(full.type));
  for (const auto& type : key.types()) {
    if (type.type == full.type) {
      for (const auto& rule : type.rules) {
        text += fmt::format(", {} = {}", rule.key, option_text(full.options.find(rule.key)->second));
      }
    }
  }
  return text + " }\n";
}

}  // namespace

}  // namespace recipe

std::string write_recipe(const Recipe& recipe) {
  using namespace recipe;
  std::string text = option_lines(rules_of(recipe_table()), write_options(recipe_table(), recipe));
  text += "\n[data]\n" + option_lines(rules_of(data_table()), write_options(data_table(), recipe.data)) +
          ignore_line(recipe.data.ignore);
  const std::vector<std::string> names = model::layer_names(recipe.layers);
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += layer_lines(recipe.layers[i], names[i]);
  }
  const auto train_table = training::train_options();
  text += "\n[train]\n" + option_lines(rules_of(train_table), write_options(train_table, recipe.train));
  for (const auto& key : typed_keys()) {
    text += typed_line(key, recipe.train.*key.member);
  }
  text += class_weight_line(recipe.train.class_weight);
  text += groups_line(recipe.train.groups);
  text += callback_lines(recipe.train.callbacks);
  return text;
}

}  // namespace lapel
