#include <array>

#include "lapel/error.h"
#include "layers/activation_names.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

struct Options {
  std::int64_t units = 0;
  std::string activation = "linear";
  bool use_bias = true;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 3> kOptions = {{
      {.key = "units",
       .member = &Options::units,
       .help = "numbers it gives for each vector; 0: as many as the data has classes",
       .min = 0,
       .max = 1'000'000,
       .required = true},
      {.key = "activation",
       .member = &Options::activation,
       .help = "function applied to the result",
       .choices = activation_names()},
      {.key = "use_bias", .member = &Options::use_bias, .help = "whether a learned number is added to each unit"},
  }};
  return kOptions;
}

class Dense final : public Layer {
 public:
  static constexpr std::string_view kType = "Dense";

  explicit Dense(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }

  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    if (options_.units == 0) {
      throw Error(ErrorKind::kRecipe, {}, "units = 0 stands for the number of classes, which is not known here", {},
                  "units = the number of classes");
    }
    Shape shape = inputs[0];
    shape.channels = options_.units;
    return shape;
  }

  [[nodiscard]] std::vector<ParameterSpec> parameters(std::span<const Shape> inputs) const override {
    const std::int64_t in = inputs[0].channels;
    const std::int64_t out = options_.units;
    std::vector<ParameterSpec> specs = {{.name = "kernel",
                                         .shape = {in, out},
                                         .initializer = Initializer::kGlorotUniform,
                                         .fan_in = in,
                                         .fan_out = out}};
    if (options_.use_bias) {
      specs.push_back({.name = "bias", .shape = {out}});
    }
    return specs;
  }

  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const Shape& in = inputs[0];
    const kernels::DenseOp op{
        .rows = in.height * in.width, .in = in.channels, .out = options_.units, .bias = options_.use_bias};
    return with_activation(op, options_.activation, output_shape(inputs));
  }

 private:
  Options options_;
};

}  // namespace

template <>
LayerType layer_type<struct DenseLayer>() {
  return make_layer_type<Dense>("dense", "every output from every number of the last axis", rules_of(table()));
}

}  // namespace lapel::layers
