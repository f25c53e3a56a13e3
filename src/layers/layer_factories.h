#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "base/options.h"
#include "layers/layer.h"

/// What the table of layers is made of: one function a layer, defined in the file of its name.
namespace lapel::layers {

[[nodiscard]] LayerType input_layer();
[[nodiscard]] LayerType flatten_layer();
[[nodiscard]] LayerType dense_layer();
[[nodiscard]] LayerType conv2d_layer();
[[nodiscard]] LayerType max_pooling2d_layer();
[[nodiscard]] LayerType average_pooling2d_layer();
[[nodiscard]] LayerType global_average_pooling2d_layer();
[[nodiscard]] LayerType global_max_pooling2d_layer();
[[nodiscard]] LayerType dropout_layer();
[[nodiscard]] LayerType activation_layer();
[[nodiscard]] LayerType add_layer();
[[nodiscard]] LayerType average_layer();
[[nodiscard]] LayerType batch_normalization_layer();
[[nodiscard]] LayerType random_flip_layer();
[[nodiscard]] LayerType random_translation_layer();
[[nodiscard]] LayerType random_rotation_layer();
[[nodiscard]] LayerType random_zoom_layer();
[[nodiscard]] LayerType random_erasing_layer();
[[nodiscard]] LayerType mix_up_layer();
[[nodiscard]] LayerType cut_mix_layer();

/// The line of the table for `L`, which has `kType` and a constructor from OptionValues. `base_name` is what
/// Keras names it, `help` one sentence.
template <class L>
[[nodiscard]] LayerType layer_type(std::string_view base_name, std::string_view help, std::vector<OptionRule> rules) {
  return {L::kType, base_name, help, std::move(rules),
          [](const OptionValues& options) -> std::unique_ptr<Layer> { return std::make_unique<L>(options); }};
}

}  // namespace lapel::layers
