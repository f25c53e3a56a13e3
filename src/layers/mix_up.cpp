#include <array>

#include "layers/layer_factories.h"
#include "layers/picture_change.h"

namespace lapel::layers {

namespace {

struct Options : PictureChangeOptions {
  double alpha = 0.2;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOwn = {{
      {.key = "alpha",
       .member = &Options::alpha,
       .help = "the shares are of the distribution Beta(alpha, alpha): near 0 or 1 below 1, uniform at 1",
       .min = 0,
       .max = 1000,
       .above_min = true},
  }};
  static const std::vector<Option<Options>> kOptions = with_start<Options>(kOwn);
  return kOptions;
}

class MixUp final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "MixUp";

  explicit MixUp(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override { return inputs[0]; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::MixUpOp{.size = inputs[0].size(), .alpha = chosen().alpha, .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct MixUpLayer>() {
  return make_layer_type<MixUp>("mix_up", "pairs of pictures, and their classes, mixed in training", rules_of(table()));
}

}  // namespace lapel::layers
