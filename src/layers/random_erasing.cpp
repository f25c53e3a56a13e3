#include <array>

#include "layers/fill.h"
#include "layers/layer_factories.h"
#include "layers/picture_change.h"

namespace lapel::layers {

namespace {

struct Options : PictureChangeOptions {
  NumberRange factor = {0, 1};
  NumberRange scale = {0.02, 0.33};
  std::string fill_mode = "noise";
  double fill_value = 0;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 4> kOwn = {{
      {.key = "factor",
       .member = &Options::factor,
       .help = "the probability, drawn anew for each picture from this range; one number: from 0 on",
       .min = 0,
       .max = 1},
      {.key = "scale",
       .member = &Options::scale,
       .help = "the squares of the box's height and width, as shares of the picture's; one number: from 0 on",
       .min = 0,
       .max = 1},
      {.key = "fill_mode",
       .member = &Options::fill_mode,
       .help = "what the box becomes: noise (Keras's fill_value = None), or fill_value",
       .choices = {"noise", "constant"}},
      {.key = "fill_value",
       .member = &Options::fill_value,
       .help = "with fill_mode \"constant\": that number, black being 0 and white 1"},
  }};
  static const std::vector<Option<Options>> kOptions = with_start<Options>(kOwn);
  return kOptions;
}

class RandomErasing final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "RandomErasing";

  explicit RandomErasing(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::RandomErasingOp{.in = inputs[0],
                                     .factor = ends_of(chosen().factor),
                                     .scale = ends_of(chosen().scale),
                                     .noise = chosen().fill_mode == "noise",
                                     .fill_value = static_cast<float>(chosen().fill_value),
                                     .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct RandomErasingLayer>() {
  return make_layer_type<RandomErasing>("random_erasing", "a box of a picture erased by chance in training",
                                        rules_of(table()));
}

}  // namespace lapel::layers
