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
       .help = "how far down (below 0: up), as a share of the height; one number: either way",
       .min = -1,
       .max = 1,
       .required = true,
       .symmetric = true},
      {.key = "width_factor",
       .member = &Options::width_factor,
       .help = "how far to the right (below 0: left), as a share of the width; one number: either way",
       .min = -1,
       .max = 1,
       .required = true,
       .symmetric = true},
  }};
  static const std::vector<Option<Options>> kOptions = with_fill<Options>(kOwn);
  return kOptions;
}

class RandomTranslation final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "RandomTranslation";

  explicit RandomTranslation(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::RandomTranslationOp{.in = inputs[0],
                                         .height_factor = ends_of(chosen().height_factor),
                                         .width_factor = ends_of(chosen().width_factor),
                                         .fill = chosen().mode(),
                                         .fill_value = static_cast<float>(chosen().fill_value),
                                         .bilinear = chosen().bilinear(),
                                         .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct RandomTranslationLayer>() {
  return make_layer_type<RandomTranslation>("random_translation", "pictures moved by chance in training",
                                            rules_of(table()));
}

}  // namespace lapel::layers
