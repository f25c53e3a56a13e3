#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/options.h"
#include "layers/layer.h"

/// What the table of layers is made of.
namespace lapel::layers {

/// The line of the table for a layer, defined in the file of its name.
template <class Name>
[[nodiscard]] LayerType layer_type();

/// That of `L`, which has `kType` and a constructor from OptionValues. `base_name` is what
/// Keras names it, `help` one sentence.
template <class L>
[[nodiscard]] LayerType make_layer_type(std::string_view base_name, std::string_view help,
                                        std::vector<OptionRule> rules) {
  return {L::kType, base_name, help, std::move(rules),
          [](const OptionValues& options) -> std::unique_ptr<Layer> { return std::make_unique<L>(options); }};
}

}  // namespace lapel::layers
