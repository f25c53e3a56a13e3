#include "layers/fill.h"
#include "layers/layer_factories.h"
#include "layers/picture_change.h"

namespace lapel::layers {

namespace {

struct Options : FillOptions {
  NumberRange height_factor;
  NumberRange width_factor;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 2> kOwn = {{
      {.key = "height_factor",
       .member = &Options::height_factor,
       .help = "how much smaller (below 0: larger) in height, as a share; one number: either way",
       .min = -1,
       .max = 1,
       .required = true,
       .symmetric = true},
      {.key = "width_factor",
       .member = &Options::width_factor,
       .help = "the same of the width; []: as the height, so that the picture keeps its proportions",
       .min = -1,
       .max = 1,
       .symmetric = true},
  }};
  static const std::vector<Option<Options>> kOptions = with_fill<Options>(kOwn);
  return kOptions;
}

class RandomZoom final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "RandomZoom";

  explicit RandomZoom(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    require_turnable_picture(inputs[0]);
    return inputs[0];
  }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const bool same = chosen().width_factor.empty();
    return {kernels::RandomAffineOp{.in = inputs[0],
                                    .height_zoom = ends_of(chosen().height_factor),
                                    .width_zoom = ends_of(same ? chosen().height_factor : chosen().width_factor),
                                    .same_zoom = same,
                                    .fill = chosen().mode(),
                                    .fill_value = static_cast<float>(chosen().fill_value),
                                    .bilinear = chosen().bilinear(),
                                    .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct RandomZoomLayer>() {
  return make_layer_type<RandomZoom>("random_zoom", "pictures made larger or smaller by chance in training",
                                     rules_of(table()));
}

}  // namespace lapel::layers
