#include "layers/fill.h"
#include "layers/layer_factories.h"
#include "layers/picture_change.h"

namespace lapel::layers {

namespace {

struct Options : FillOptions {
  NumberRange factor;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOwn = {{
      {.key = "factor",
       .member = &Options::factor,
       .help = "how far counter-clockwise (below 0: clockwise), as a share of a full turn; one number: either way",
       .min = -1,
       .max = 1,
       .required = true,
       .symmetric = true},
  }};
  static const std::vector<Option<Options>> kOptions = with_fill<Options>(kOwn);
  return kOptions;
}

class RandomRotation final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "RandomRotation";

  explicit RandomRotation(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    require_turnable_picture(inputs[0]);
    return inputs[0];
  }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::RandomAffineOp{.in = inputs[0],
                                    .rotation = ends_of(chosen().factor),
                                    .fill = chosen().mode(),
                                    .fill_value = static_cast<float>(chosen().fill_value),
                                    .bilinear = chosen().bilinear(),
                                    .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct RandomRotationLayer>() {
  return make_layer_type<RandomRotation>("random_rotation", "pictures turned by chance in training", rules_of(table()));
}

}  // namespace lapel::layers
