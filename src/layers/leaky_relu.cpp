#include <array>

#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  double negative_slope = 0.3;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOptions = {{
      {.key = "negative_slope",
       .member = &Options::negative_slope,
       .help = "share that is kept of numbers below zero",
       .min = 0},
  }};
  return kOptions;
}

class LeakyReLU final : public Layer {
 public:
  static constexpr std::string_view kType = "LeakyReLU";

  explicit LeakyReLU(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const auto slope = static_cast<float>(options_.negative_slope);
    return {kernels::ElementwiseOp{.function = "leaky_relu", .parameters = {slope}, .size = inputs[0].size()}};
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct LeakyReLULayer>() {
  return make_layer_type<LeakyReLU>("leaky_re_lu", "numbers above zero, and a share of those below", rules_of(table()));
}

}  // namespace lapel::layers
