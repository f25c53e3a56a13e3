#include "layers/layer_factories.h"
#include "layers/window.h"

namespace lapel::layers {

namespace {

using Kind = kernels::Pool2DOp::Kind;

class GlobalPooling2D : public Layer {
 public:
  explicit GlobalPooling2D(const OptionValues& given) { check_keys({}, given); }

  [[nodiscard]] OptionValues options() const override { return {}; }

  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    require_picture(inputs[0]);
    return Shape::vector(inputs[0].channels);
  }

  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::GlobalPool2DOp{.kind = kind(), .in = inputs[0]}};
  }

 private:
  [[nodiscard]] virtual Kind kind() const = 0;
};

class GlobalAveragePooling2D final : public GlobalPooling2D {
 public:
  static constexpr std::string_view kType = "GlobalAveragePooling2D";
  using GlobalPooling2D::GlobalPooling2D;
  [[nodiscard]] std::string_view type() const override { return kType; }

 private:
  [[nodiscard]] Kind kind() const override { return Kind::kAverage; }
};

class GlobalMaxPooling2D final : public GlobalPooling2D {
 public:
  static constexpr std::string_view kType = "GlobalMaxPooling2D";
  using GlobalPooling2D::GlobalPooling2D;
  [[nodiscard]] std::string_view type() const override { return kType; }

 private:
  [[nodiscard]] Kind kind() const override { return Kind::kMax; }
};

}  // namespace

template <>
LayerType layer_type<struct GlobalAveragePooling2DLayer>() {
  return make_layer_type<GlobalAveragePooling2D>("global_average_pooling2d", "the mean of each channel", {});
}

template <>
LayerType layer_type<struct GlobalMaxPooling2DLayer>() {
  return make_layer_type<GlobalMaxPooling2D>("global_max_pooling2d", "the largest number of each channel", {});
}

}  // namespace lapel::layers
