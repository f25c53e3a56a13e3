#include <array>

#include "layers/activation_names.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  std::string activation = "linear";
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOptions = {{
      {.key = "activation",
       .member = &Options::activation,
       .help = "function applied to every number, softmax to the last axis",
       .required = true,
       .choices = activation_names()},
  }};
  return kOptions;
}

class Activation final : public Layer {
 public:
  static constexpr std::string_view kType = "Activation";

  explicit Activation(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {activation_op(options_.activation, inputs[0])};
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct ActivationLayer>() {
  return make_layer_type<Activation>("activation", "a function applied to its input", rules_of(table()));
}

}  // namespace lapel::layers
