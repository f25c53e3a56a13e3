#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "model/model.h"
#include "store/model_file.h"

/// What writers of every format ask of a model.
namespace lapel::interop {

/// One layer as a writer sees it: options by key, weights by name.
class LayerView {
 public:
  /// `tensors` are those of this layer, in the order of its parameters.
  LayerView(const model::Node& node, std::span<const formats::Tensor> tensors);

  [[nodiscard]] const model::Node& node() const { return *node_; }
  [[nodiscard]] const std::string& name() const { return node_->name; }
  [[nodiscard]] std::string_view type() const { return node_->layer->type(); }
  [[nodiscard]] const Shape& input() const { return node_->input_shapes.at(0); }
  [[nodiscard]] const OptionValues& options() const { return options_; }
  [[nodiscard]] std::span<const formats::Tensor> tensors() const { return tensors_; }

  [[nodiscard]] bool flag(std::string_view key) const { return std::get<bool>(option(key)); }
  [[nodiscard]] double number(std::string_view key) const { return std::get<double>(option(key)); }
  [[nodiscard]] const std::string& text(std::string_view key) const { return std::get<std::string>(option(key)); }
  [[nodiscard]] const std::vector<std::int64_t>& integers(std::string_view key) const {
    return std::get<std::vector<std::int64_t>>(option(key));
  }
  /// The values of the parameter `name`; `size` times `otherwise` where the layer has none.
  [[nodiscard]] std::vector<float> weights(std::string_view name, std::int64_t size = 0, float otherwise = 0) const;
  /// The weights of that name, null where there are none.
  [[nodiscard]] const formats::Tensor* tensor(std::string_view name) const;

 private:
  [[nodiscard]] const OptionValue& option(std::string_view key) const;

  const model::Node* node_;
  OptionValues options_;
  std::span<const formats::Tensor> tensors_;
};

/// Every layer of the model, in its order, with its weights.
[[nodiscard]] std::vector<LayerView> layer_views(const store::ModelFile& file);

/// The numbers of a row-major array of `shape` with its axes in another order: axis i of the result is axis `order[i]`.
[[nodiscard]] std::vector<float> transposed(std::span<const float> values, std::span<const std::int64_t> shape,
                                            std::span<const std::size_t> order);

/// The model's last layer without its softmax, which every writer puts at the end of the views: `Dense` with linear
/// activation, or the identity. Lapel takes what the last layer gives for logits.
[[nodiscard]] bool is_last_softmax(const store::ModelFile& file, const LayerView& layer);

/// Padding = "same", in zeros or places around the picture, as Keras counts them.
struct Padding {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;
  [[nodiscard]] bool none() const { return top == 0 && left == 0 && bottom == 0 && right == 0; }
};
/// Of a window of the size under `size_key`, from the layer's options.
[[nodiscard]] Padding padding_of(const LayerView& layer, std::string_view size_key);

/// Throws Error (kRecipe): `format` has nothing for this layer.
[[noreturn]] void refuse_layer(const LayerView& layer, std::string_view format, std::string_view hint);

}  // namespace lapel::interop
