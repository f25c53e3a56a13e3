#include <array>

#include "layers/layer_factories.h"
#include "layers/window.h"

namespace lapel::layers {

namespace {

using Kind = kernels::Pool2DOp::Kind;

struct Options {
  IntPair pool_size = {2, 2};
  IntPair strides = {0, 0};
  std::string padding = "valid";
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 3> kOptions = {{
      {.key = "pool_size",
       .member = &Options::pool_size,
       .help = "height and width of the window",
       .min = 1,
       .max = 1000},
      {.key = "strides",
       .member = &Options::strides,
       .help = "how far the window moves; 0: by its own size",
       .min = 0,
       .max = 1000},
      {.key = "padding",
       .member = &Options::padding,
       .help = "\"same\" lets the window reach over the edges, where nothing counts",
       .choices = padding_names()},
  }};
  return kOptions;
}

Options resolved(const OptionValues& given) {
  Options options = read_options(table(), given);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    if (options.strides[axis] == 0) {
      options.strides[axis] = options.pool_size[axis];
    }
  }
  return options;
}

class Pooling2D : public Layer {
 public:
  explicit Pooling2D(const OptionValues& given) : options_(resolved(given)) {}

  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }

  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    const WindowFit fit = fit_window(window(), inputs[0]);
    return Shape::image(inputs[0].channels, fit.out_height, fit.out_width);
  }

  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const WindowFit fit = fit_window(window(), inputs[0]);
    return {kernels::Pool2DOp{.kind = kind(),
                              .in = inputs[0],
                              .out = output_shape(inputs),
                              .pool = options_.pool_size,
                              .strides = options_.strides,
                              .pad_top = fit.pad_top,
                              .pad_left = fit.pad_left,
                              .pad_bottom = fit.pad_bottom,
                              .pad_right = fit.pad_right}};
  }

 private:
  [[nodiscard]] virtual Kind kind() const = 0;
  [[nodiscard]] Window window() const {
    return {options_.pool_size, options_.strides, options_.padding == "same", "pool", "pool_size"};
  }

  Options options_;
};

class MaxPooling2D final : public Pooling2D {
 public:
  static constexpr std::string_view kType = "MaxPooling2D";
  using Pooling2D::Pooling2D;
  [[nodiscard]] std::string_view type() const override { return kType; }

 private:
  [[nodiscard]] Kind kind() const override { return Kind::kMax; }
};

class AveragePooling2D final : public Pooling2D {
 public:
  static constexpr std::string_view kType = "AveragePooling2D";
  using Pooling2D::Pooling2D;
  [[nodiscard]] std::string_view type() const override { return kType; }

 private:
  [[nodiscard]] Kind kind() const override { return Kind::kAverage; }
};

}  // namespace

template <>
LayerType layer_type<struct MaxPooling2DLayer>() {
  return make_layer_type<MaxPooling2D>("max_pooling2d", "the largest number of each window", rules_of(table()));
}

template <>
LayerType layer_type<struct AveragePooling2DLayer>() {
  return make_layer_type<AveragePooling2D>("average_pooling2d", "the mean of each window", rules_of(table()));
}

}  // namespace lapel::layers
