#include <fmt/format.h>

#include <algorithm>

#include "base/only_errors.h"
#include "data/splits.h"
#include "lapel/recipe.h"
#include "layers/layer.h"
#include "model/names.h"
#include "recipe/callbacks.h"
#include "recipe/class_weight.h"
#include "recipe/groups.h"
#include "recipe/ignore.h"
#include "recipe/schema.h"
#include "recipe/toml_options.h"
#include "recipe/toml_tree.h"
#include "train/deadline.h"

namespace lapel {

namespace recipe {

namespace {

/// One `key=value`, with the key in its parts.
struct Assignment {
  std::string place;    ///< `--set train.epochs=3`
  std::string key;      ///< `train.epochs`
  std::string section;  ///< `train`; empty for a key alone. Of a layer: `layers.dense`
  std::string last;     ///< `epochs`
  TomlValue value;
};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Assignment parse_assignment(std::string_view text) {
  Assignment result;
  result.place = fmt::format("--set {}", text);
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) {
    throw Error(ErrorKind::kRecipe, result.place, "not of the form key=value", {}, "train.epochs=3");
  }
  result.key = trimmed(text.substr(0, equals));
  const auto dot = result.key.rfind('.');
  result.section = dot == std::string::npos ? std::string() : result.key.substr(0, dot);
  result.last = dot == std::string::npos ? result.key : result.key.substr(dot + 1);
  result.value = parse_toml_value(trimmed(text.substr(equals + 1)), result.place);
  return result;
}

void add_keys(std::vector<std::string>& keys, std::string_view section, std::span<const OptionRule> rules) {
  for (const auto& rule : rules) {
    keys.push_back(section.empty() ? std::string(rule.key) : fmt::format("{}.{}", section, rule.key));
  }
}

/// Every key that can be set in this recipe.
std::vector<std::string> settable_keys(const Recipe& recipe, std::span<const std::string> layer_names) {
  std::vector<std::string> keys;
  add_keys(keys, {}, rules_of(recipe_table()));
  add_keys(keys, "data", rules_of(data_table()));
  keys.push_back(fmt::format("data.{}", kIgnoreKey));
  for (std::size_t i = 0; i < layer_names.size(); ++i) {
    add_keys(keys, "layers." + layer_names[i], layers::find_layer_type(recipe.layers[i].type).rules);
  }
  add_keys(keys, "train", rules_of(training::train_options()));
  for (const auto& key : typed_keys()) {
    const std::string section = fmt::format("train.{}", key.key);
    keys.push_back(section);
    keys.push_back(section + ".type");
    for (const auto& type : key.types()) {
      if (type.type == (recipe.train.*key.member).type) {
        add_keys(keys, section, type.rules);
      }
    }
  }
  keys.push_back(fmt::format("train.{}", kClassWeightKey));
  keys.push_back(fmt::format("train.{}", kGroupsKey));
  keys.push_back(fmt::format("train.{}", kCallbacksKey));
  return keys;
}

/// Names what is known beside the wrong key: the other keys of its section, the layers, or the sections.
[[noreturn]] void refuse_key(const Assignment& assignment, std::span<const std::string> keys,
                             std::span<const std::string> layer_names) {
  const std::vector<std::string_view> all(keys.begin(), keys.end());
  const std::string prefix = assignment.section.empty() ? std::string() : assignment.section + '.';
  std::vector<std::string_view> neighbours;
  for (const auto key : all) {
    if (!prefix.empty() && key.starts_with(prefix) && key.find('.', prefix.size()) == std::string_view::npos) {
      neighbours.push_back(key.substr(prefix.size()));
    }
  }
  std::string known = "name, description, data, layers, train";
  std::string near = nearest_word(assignment.key, all);
  if (!neighbours.empty()) {
    known = fmt::format("{}", fmt::join(neighbours, ", "));
    near = nearest_word(assignment.last, neighbours);
    near = near.empty() ? near : prefix + near;
  } else if (assignment.section.starts_with("layers.")) {
    known = fmt::format("{}", fmt::join(layer_names, ", "));
  }
  if (near.empty() && assignment.section.find('.') == std::string::npos) {  // Perhaps right but for its section.
    const auto inside = std::find_if(all.begin(), all.end(), [&](std::string_view key) {
      return key.ends_with("." + assignment.last) && !key.starts_with("layers.");
    });
    near = inside == all.end() ? near : std::string(*inside);
  }
  throw Error(ErrorKind::kRecipe, assignment.place, fmt::format("unknown key \"{}\"", assignment.key),
              {{"known", known}}, near);
}

template <class T>
T changed(std::span<const Option<T>> table, const Assignment& assignment, const T& from) {
  const auto rules = rules_of(table);
  const auto rule =
      std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.key == assignment.last; });
  return read_options(table, {{assignment.last, read_value({assignment.last, assignment.value, 0}, *rule)}}, from);
}

void set_data(DataSpec& data, const Assignment& assignment) {
  if (assignment.last == kIgnoreKey) {
    data.ignore = read_ignore(assignment.value);
    return;
  }
  data = changed(data_table(), assignment, data);
  if (assignment.last == "validation" && !data.validation.empty()) {
    data.validation_split = 0;
  } else if (assignment.last == "validation_split" && data.validation_split > 0) {
    data.validation.clear();
  }
  DataSpec unlimited = data;
  unlimited.limit = 0;
  static_cast<void>(data::split_training(unlimited, kManySamples));
}

/// `train.optimizer=SGD`, `train.optimizer.type=SGD` or `train.optimizer.learning_rate=0.1`. Another type begins with
/// its own defaults.
void set_typed(TypedSpec& spec, const TypedKey& key, const Assignment& assignment) {
  const PlaceOf nowhere = [](std::int64_t) { return std::string(); };
  const bool whole = assignment.last == key.key;
  if (whole || assignment.last == "type") {
    const TypedSpec chosen = read_typed({std::string(key.key), assignment.value, 0}, key.key, key.types(), {}, nowhere);
    if (whole || chosen.type != spec.type) {
      spec = chosen;
    }
  } else {
    TypedSpec result = spec;
    result.place.clear();
    const auto value = to_option(assignment.value);
    if (!value) {
      throw Error(ErrorKind::kRecipe, {},
                  fmt::format("{} = {} is not allowed", assignment.last, toml_text(assignment.value)));
    }
    result.options.insert_or_assign(assignment.last, *value);
    const TypedSpec full = training::resolved(key.key, key.types(), result);
    result.options.insert_or_assign(assignment.last, full.options.find(assignment.last)->second);
    spec = result;
  }
  spec.place = assignment.place;
}

void set_train(TrainSpec& spec, const Assignment& assignment) {
  for (const auto& key : typed_keys()) {
    if (assignment.key == fmt::format("train.{}", key.key) || assignment.section == fmt::format("train.{}", key.key)) {
      set_typed(spec.*key.member, key, assignment);
      return;
    }
  }
  const PlaceOf nowhere = [](std::int64_t) { return std::string(); };
  if (assignment.last == kClassWeightKey) {
    spec.class_weight = read_class_weight(assignment.value);
    return;
  }
  if (assignment.last == kGroupsKey) {
    spec.groups = read_groups({std::string(kGroupsKey), assignment.value, 0}, nowhere);
    return;
  }
  if (assignment.last == kCallbacksKey) {
    spec.callbacks = read_callbacks({std::string(kCallbacksKey), assignment.value, 0}, nowhere);
    return;
  }
  spec = changed(training::train_options(), assignment, spec);
  if (assignment.last == "epochs") {
    // A time would leave the epochs without effect.
    spec.time_budget.clear();
  }
  static_cast<void>(training::budget_seconds(spec.time_budget));
}

void set_layer(Recipe& recipe, const Assignment& assignment, std::span<const std::string> names) {
  const auto found =
      std::find(names.begin(), names.end(), assignment.section.substr(std::string_view("layers.").size()));
  LayerSpec& spec = recipe.layers[static_cast<std::size_t>(found - names.begin())];
  const auto& rules = layers::find_layer_type(spec.type).rules;
  const auto rule =
      std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.key == assignment.last; });
  spec.options.insert_or_assign(assignment.last, read_value({assignment.last, assignment.value, 0}, *rule));
  static_cast<void>(layers::make_layer(spec.type, spec.options));
}

}  // namespace

}  // namespace recipe

namespace recipe {

namespace {

void set_parsed(Recipe& recipe, std::string_view assignment) {
  const Assignment parsed = parse_assignment(assignment);
  const std::vector<std::string> names = model::layer_names(recipe.layers);
  const std::vector<std::string> keys = settable_keys(recipe, names);
  if (std::find(keys.begin(), keys.end(), parsed.key) == keys.end()) {
    refuse_key(parsed, keys, names);
  }
  Recipe result = recipe;
  at_place(parsed.place, [&] {
    if (parsed.section.empty()) {
      result = changed(recipe_table(), parsed, result);
      check_name(result.name);
    } else if (parsed.section == "data") {
      set_data(result.data, parsed);
    } else if (parsed.section.starts_with("layers.")) {
      set_layer(result, parsed, names);
    } else {
      set_train(result.train, parsed);
    }
  });
  recipe = std::move(result);
}

}  // namespace

}  // namespace recipe

void set_option(Recipe& recipe, std::string_view assignment) {
  only_errors("--set", [&] { recipe::set_parsed(recipe, assignment); });
}

}  // namespace lapel
