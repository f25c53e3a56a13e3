#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <vector>

#include "lapel/error.h"
#include "layers/layer.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

std::span<const LayerType> layer_types() {
  static const std::vector<LayerType> kTypes = {
      input_layer(),
      flatten_layer(),
      dense_layer(),
      conv2d_layer(),
      max_pooling2d_layer(),
      average_pooling2d_layer(),
      global_average_pooling2d_layer(),
      global_max_pooling2d_layer(),
      dropout_layer(),
      activation_layer(),
      add_layer(),
      average_layer(),
      batch_normalization_layer(),
      random_flip_layer(),
      random_translation_layer(),
      random_rotation_layer(),
      random_zoom_layer(),
      random_erasing_layer(),
      mix_up_layer(),
      cut_mix_layer(),
  };
  return kTypes;
}

const LayerType& find_layer_type(std::string_view type) {
  std::vector<std::string_view> known;
  for (const auto& line : layer_types()) {
    if (line.type == type) {
      return line;
    }
    known.push_back(line.type);
  }
  throw Error(ErrorKind::kRecipe, {}, fmt::format("unknown layer type \"{}\"", type),
              {{"known", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(type, known));
}

std::unique_ptr<Layer> make_layer(std::string_view type, const OptionValues& options) {
  return find_layer_type(type).make(options);
}

std::int64_t ParameterSpec::size() const {
  std::int64_t size = 1;
  for (const std::int64_t extent : shape) {
    size *= extent;
  }
  return size;
}

}  // namespace lapel::layers
