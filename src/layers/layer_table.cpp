#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <vector>

#include "lapel/error.h"
#include "layers/layer.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

// The list. Each line declares the layer's name here, in the namespace; its file has the rest.
constexpr LayerType (*kLayers[])() = {
    layer_type<struct InputLayer>,
    layer_type<struct FlattenLayer>,
    layer_type<struct DenseLayer>,
    layer_type<struct Conv2DLayer>,
    layer_type<struct MaxPooling2DLayer>,
    layer_type<struct AveragePooling2DLayer>,
    layer_type<struct GlobalAveragePooling2DLayer>,
    layer_type<struct GlobalMaxPooling2DLayer>,
    layer_type<struct DropoutLayer>,
    layer_type<struct ActivationLayer>,
    layer_type<struct AddLayer>,
    layer_type<struct AverageLayer>,
    layer_type<struct BatchNormalizationLayer>,
    layer_type<struct RandomFlipLayer>,
    layer_type<struct RandomTranslationLayer>,
    layer_type<struct RandomRotationLayer>,
    layer_type<struct RandomZoomLayer>,
    layer_type<struct RandomErasingLayer>,
    layer_type<struct MixUpLayer>,
    layer_type<struct CutMixLayer>,
    layer_type<struct LeakyReLULayer>,
    layer_type<struct ELULayer>,
    layer_type<struct ReLULayer>,
};

std::span<const LayerType> layer_types() {
  static const std::vector<LayerType> kTypes = [] {
    std::vector<LayerType> types;
    for (const auto& type : kLayers) {
      types.push_back(type());
    }
    return types;
  }();
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

std::int64_t ParameterSpec::size() const { return product_of(shape); }

}  // namespace lapel::layers
