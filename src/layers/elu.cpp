#include <array>

#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  double alpha = 1;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOptions = {{
      {.key = "alpha", .member = &Options::alpha, .help = "the number is above minus this", .min = 0},
  }};
  return kOptions;
}

class ELU final : public Layer {
 public:
  static constexpr std::string_view kType = "ELU";

  explicit ELU(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const auto alpha = static_cast<float>(options_.alpha);
    return {kernels::ElementwiseOp{.function = "elu", .parameters = {alpha}, .size = inputs[0].size()}};
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct ELULayer>() {
  return make_layer_type<ELU>("elu", "numbers above zero, and an exponential of those below", rules_of(table()));
}

}  // namespace lapel::layers
