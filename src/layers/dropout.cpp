#include <array>

#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  double rate = 0;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOptions = {{
      {.key = "rate",
       .member = &Options::rate,
       .help = "share of the numbers that become 0 in training",
       .min = 0,
       .max = 1,
       .below_max = true,
       .required = true},
  }};
  return kOptions;
}

class Dropout final : public Layer {
 public:
  static constexpr std::string_view kType = "Dropout";

  explicit Dropout(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::DropoutOp{.size = inputs[0].size(), .rate = options_.rate}};
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct DropoutLayer>() {
  return make_layer_type<Dropout>("dropout", "numbers left out by chance in training", rules_of(table()));
}

}  // namespace lapel::layers
