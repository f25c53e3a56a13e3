#include <array>

#include "layers/fill.h"
#include "layers/layer_factories.h"
#include "layers/picture_change.h"

namespace lapel::layers {

namespace {

struct Options : PictureChangeOptions {
  NumberRange factor = {0, 1};
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 1> kOwn = {{
      {.key = "factor",
       .member = &Options::factor,
       .help =
           "alpha, drawn for each picture from this range, of the distribution Beta(alpha, alpha) of the share that "
           "stays; one number: from 0 on",
       .min = 0,
       .max = 1},
  }};
  static const std::vector<Option<Options>> kOptions = with_start<Options>(kOwn);
  return kOptions;
}

class CutMix final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "CutMix";

  explicit CutMix(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {
        kernels::CutMixOp{.in = inputs[0], .factor = ends_of(chosen().factor), .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct CutMixLayer>() {
  return make_layer_type<CutMix>("cut_mix", "a box of a picture, and the share of its class, from another in training",
                                 rules_of(table()));
}

}  // namespace lapel::layers
