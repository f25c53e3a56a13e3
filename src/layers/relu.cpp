#include <array>
#include <limits>

#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  double max_value = 0;
  double negative_slope = 0;
  double threshold = 0;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 3> kOptions = {{
      {.key = "max_value", .member = &Options::max_value, .help = "largest number that it gives; 0: none", .min = 0},
      {.key = "negative_slope",
       .member = &Options::negative_slope,
       .help = "share that is kept of numbers below the threshold",
       .min = 0},
      {.key = "threshold", .member = &Options::threshold, .help = "numbers below this are not kept", .min = 0},
  }};
  return kOptions;
}

class ReLU final : public Layer {
 public:
  static constexpr std::string_view kType = "ReLU";

  explicit ReLU(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const std::int64_t size = inputs[0].size();
    if (options_.max_value == 0 && options_.negative_slope == 0 && options_.threshold == 0) {
      return {kernels::ActivationOp{.kind = kernels::ActivationKind::kRelu, .size = size, .axis = inputs[0].channels}};
    }
    const float most =
        options_.max_value == 0 ? std::numeric_limits<float>::infinity() : static_cast<float>(options_.max_value);
    return {kernels::ElementwiseOp{
        .function = "relu6",
        .parameters = {most, static_cast<float>(options_.negative_slope), static_cast<float>(options_.threshold)},
        .size = size}};
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct ReLULayer>() {
  return make_layer_type<ReLU>("re_lu", "numbers above zero, and zero for those below; or within other limits",
                               rules_of(table()));
}

}  // namespace lapel::layers
