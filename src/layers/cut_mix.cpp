#include <array>

#include "layers/fill.h"
#include "layers/layer_factories.h"
#include "layers/window.h"

namespace lapel::layers {

namespace {

struct Options {
  NumberRange factor = {0, 1};
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOptions = {{
      {.key = "factor",
       .member = &Options::factor,
       .help =
           "alpha, drawn for each picture from this range, of the distribution Beta(alpha, alpha) of the share that "
           "stays; one number: from 0 on",
       .min = 0,
       .max = 1},
  }};
  return kOptions;
}

class CutMix final : public Layer {
 public:
  static constexpr std::string_view kType = "CutMix";

  explicit CutMix(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] bool before_weights() const override { return true; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    require_picture(inputs[0]);
    return inputs[0];
  }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::CutMixOp{.in = inputs[0], .factor = ends_of(options_.factor)}};
  }

 private:
  Options options_;
};

}  // namespace

LayerType cut_mix_layer() {
  return layer_type<CutMix>("cut_mix", "a box of a picture, and the share of its class, from another in training",
                            rules_of(table()));
}

}  // namespace lapel::layers
