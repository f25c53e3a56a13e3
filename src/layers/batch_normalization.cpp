#include <array>

#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 4> kOptions = {{
      {.key = "momentum",
       .member = &Options::momentum,
       .help = "share that a training step leaves of the moving mean and variance",
       .min = 0,
       .max = 1},
      {.key = "epsilon",
       .member = &Options::epsilon,
       .help = "added to the variance, so that it is not 0",
       .min = 0,
       .max = 1,
       .above_min = true},
      {.key = "center", .member = &Options::center, .help = "whether a learned number (beta) is added"},
      {.key = "scale", .member = &Options::scale, .help = "whether a learned factor (gamma) is applied"},
  }};
  return kOptions;
}

class BatchNormalization final : public Layer {
 public:
  static constexpr std::string_view kType = "BatchNormalization";

  explicit BatchNormalization(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }

  [[nodiscard]] std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const std::vector<std::int64_t> shape = {inputs[0].channels};
    std::vector<ParameterSpec> specs;
    if (options_.scale) {
      specs.push_back({.name = "gamma", .shape = shape, .initializer = Initializer::kOnes});
    }
    if (options_.center) {
      specs.push_back({.name = "beta", .shape = shape});
    }
    specs.push_back({.name = "moving_mean", .shape = shape, .trainable = false});
    specs.push_back({.name = "moving_variance", .shape = shape, .initializer = Initializer::kOnes, .trainable = false});
    return specs;
  }

  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::BatchNormOp{.size = inputs[0].size(),
                                 .channels = inputs[0].channels,
                                 .momentum = options_.momentum,
                                 .epsilon = options_.epsilon,
                                 .center = options_.center,
                                 .scale = options_.scale}};
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct BatchNormalizationLayer>() {
  return make_layer_type<BatchNormalization>("batch_normalization", "each channel brought to mean 0 and deviation 1",
                                             rules_of(table()));
}

}  // namespace lapel::layers
