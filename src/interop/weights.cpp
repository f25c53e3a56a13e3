#include "interop/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lapel/error.h"
#include "layers/window.h"

namespace lapel::interop {

LayerView::LayerView(const model::Node& node, std::span<const formats::Tensor> tensors)
    : node_(&node), options_(node.layer->options()), tensors_(tensors) {}

const OptionValue& LayerView::option(std::string_view key) const {
  const auto found = options_.find(key);
  if (found == options_.end()) {
    throw Error(ErrorKind::kInternal, node_->place, fmt::format("has no option \"{}\"", key));
  }
  return found->second;
}

const formats::Tensor* LayerView::tensor(std::string_view name) const {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (node_->parameters[i].name == name) {
      return &tensors_[i];
    }
  }
  return nullptr;
}

std::vector<float> LayerView::weights(std::string_view name, std::int64_t size, float otherwise) const {
  const formats::Tensor* const found = tensor(name);
  return found != nullptr ? found->values : std::vector<float>(static_cast<std::size_t>(size), otherwise);
}

std::vector<LayerView> layer_views(const store::ModelFile& file) {
  std::vector<LayerView> views;
  std::span<const formats::Tensor> rest = file.tensors;
  for (const auto& node : file.model.nodes()) {
    views.emplace_back(node, rest.first(node.parameters.size()));
    rest = rest.subspan(node.parameters.size());
  }
  return views;
}

std::vector<float> transposed(std::span<const float> values, std::span<const std::int64_t> shape,
                              std::span<const std::size_t> order) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * static_cast<std::size_t>(shape[axis]);
  }
  std::vector<float> result;
  result.reserve(values.size());
  std::vector<std::int64_t> at(shape.size(), 0);  // In the result's order.
  std::size_t from = 0;
  while (result.size() < values.size()) {
    result.push_back(values[from]);
    for (std::size_t axis = at.size(); axis-- > 0;) {
      const std::size_t source = order[axis];
      from += strides[source];
      if (++at[axis] < shape[source]) {
        break;
      }
      from -= strides[source] * static_cast<std::size_t>(shape[source]);
      at[axis] = 0;
    }
  }
  return result;
}

bool is_last_softmax(const store::ModelFile& file, const LayerView& layer) {
  const auto activation = layer.options().find("activation");
  return &layer.node() == &file.model.nodes().back() && activation != layer.options().end() &&
         activation->second == OptionValue{std::string("softmax")};
}

Padding padding_of(const LayerView& layer, std::string_view size_key) {
  const auto& size = layer.integers(size_key);
  const auto& strides = layer.integers("strides");
  const layers::WindowFit fit = layers::fit_window(
      {{size[0], size[1]}, {strides[0], strides[1]}, layer.text("padding") == "same", "window", size_key},
      layer.input());
  return {fit.pad_top, fit.pad_left, fit.pad_bottom, fit.pad_right};
}

void refuse_layer(const LayerView& layer, std::string_view format, std::string_view hint) {
  throw Error(ErrorKind::kRecipe, layer.node().place, fmt::format("cannot be written as {}", format), {},
              std::string(hint));
}

}  // namespace lapel::interop
