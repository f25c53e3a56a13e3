#pragma once

#include <string_view>
#include <vector>

#include "base/options.h"
#include "layers/layer.h"

namespace lapel::test {

/// Options with which a layer of this type can be made on small pictures: a value for each required one.
[[nodiscard]] inline OptionValues sample_options(const layers::LayerType& type) {
  OptionValues options;
  for (const auto& rule : type.rules) {
    if (!rule.required) {
      continue;
    }
    if (!rule.choices.empty()) {
      options.emplace(rule.key, std::string(rule.choices.back()));
    } else if (rule.pair) {
      options.emplace(rule.key, std::vector<std::int64_t>{3, 2});
    } else if (std::holds_alternative<std::vector<std::int64_t>>(rule.default_value)) {
      options.emplace(rule.key, std::vector<std::int64_t>{9, 8, 3});
    } else if (std::holds_alternative<NumberRange>(rule.default_value)) {
      options.emplace(rule.key, 0.25);
    } else if (std::holds_alternative<double>(rule.default_value)) {
      options.emplace(rule.key, 0.25);
    } else {
      options.emplace(rule.key, std::int64_t{5});
    }
  }
  return options;
}

/// A small model with one layer of this type between an Input of 9 x 8 x 3 and a classifier of four classes.
[[nodiscard]] inline std::vector<LayerSpec> sample_layers(const layers::LayerType& type) {
  std::vector<LayerSpec> specs = {{"Input", "pixels", {}, {{"shape", std::vector<std::int64_t>{9, 8, 3}}}, {}}};
  if (type.type != "Input") {
    LayerSpec spec{std::string(type.type), {}, {}, sample_options(type), {}};
    if (layers::make_layer(type.type, spec.options)->min_inputs() == 2) {
      specs.push_back({"Activation", "side", {}, {{"activation", "tanh"}}, {}});
      spec.inputs = {"side", "pixels"};
    }
    specs.push_back(spec);
  }
  specs.push_back({"Flatten", {}, {}, {}, {}});
  specs.push_back({"Dense", "classes", {}, {{"units", std::int64_t{4}}}, {}});
  return specs;
}

}  // namespace lapel::test
