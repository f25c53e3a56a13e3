#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

class Flatten final : public Layer {
 public:
  static constexpr std::string_view kType = "Flatten";

  explicit Flatten(const OptionValues& given) { check_keys({}, given); }

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return {}; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    return Shape::vector(inputs[0].size());
  }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::ReshapeOp{.size = inputs[0].size()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct FlattenLayer>() {
  return make_layer_type<Flatten>("flatten", "a picture as one vector, in the order height, width, channels", {});
}

}  // namespace lapel::layers
