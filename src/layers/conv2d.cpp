#include <array>

#include "layers/activation_names.h"
#include "layers/layer_factories.h"
#include "layers/window.h"

namespace lapel::layers {

namespace {

struct Options {
  std::int64_t filters = 0;
  IntPair kernel_size{};
  IntPair strides = {1, 1};
  std::string padding = "valid";
  std::string activation = "linear";
  bool use_bias = true;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 6> kOptions = {{
      {.key = "filters",
       .member = &Options::filters,
       .help = "channels of its output",
       .min = 1,
       .max = 1'000'000,
       .required = true},
      {.key = "kernel_size",
       .member = &Options::kernel_size,
       .help = "height and width of the window",
       .min = 1,
       .max = 1000,
       .required = true},
      {.key = "strides", .member = &Options::strides, .help = "how far the window moves", .min = 1, .max = 1000},
      {.key = "padding",
       .member = &Options::padding,
       .help = "\"same\" puts zeros around the picture, so that stride 1 keeps its size",
       .choices = padding_names()},
      {.key = "activation",
       .member = &Options::activation,
       .help = "function applied to the result",
       .choices = activation_names()},
      {.key = "use_bias", .member = &Options::use_bias, .help = "whether a learned number is added to each filter"},
  }};
  return kOptions;
}

class Conv2D final : public Layer {
 public:
  static constexpr std::string_view kType = "Conv2D";

  explicit Conv2D(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }

  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    const WindowFit fit = fit_window(window(), inputs[0]);
    return Shape::image(options_.filters, fit.out_height, fit.out_width);
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const auto [height, width] = options_.kernel_size;
    const std::int64_t in = inputs[0].channels;
    const std::int64_t out = options_.filters;
    std::vector<ParameterSpec> specs = {{.name = "kernel",
                                         .shape = {height, width, in, out},
                                         .initializer = Initializer::kGlorotUniform,
                                         .fan_in = height * width * in,
                                         .fan_out = height * width * out}};
    if (options_.use_bias) {
      specs.push_back({.name = "bias", .shape = {out}});
    }
    return specs;
  }

  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const WindowFit fit = fit_window(window(), inputs[0]);
    const Shape out = output_shape(inputs);
    const kernels::Conv2DOp op{.in = inputs[0],
                               .out = out,
                               .kernel = options_.kernel_size,
                               .strides = options_.strides,
                               .pad_top = fit.pad_top,
                               .pad_left = fit.pad_left,
                               .pad_bottom = fit.pad_bottom,
                               .pad_right = fit.pad_right,
                               .bias = options_.use_bias};
    return with_activation(op, options_.activation, out);
  }

 private:
  [[nodiscard]] Window window() const {
    return {options_.kernel_size, options_.strides, options_.padding == "same", "kernel", "kernel_size"};
  }

  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct Conv2DLayer>() {
  return make_layer_type<Conv2D>("conv2d", "learned filters that move over a picture", rules_of(table()));
}

}  // namespace lapel::layers
