#include <array>

#include "layers/layer_factories.h"
#include "layers/picture_change.h"

namespace lapel::layers {

namespace {

struct Options : PictureChangeOptions {
  std::string mode = "horizontal_and_vertical";
  bool alternating = false;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 2> kOwn = {{
      {.key = "mode",
       .member = &Options::mode,
       .help = "which sides change places, each with probability 1/2",
       .choices = {"horizontal", "vertical", "horizontal_and_vertical"}},
      {.key = "alternating",
       .member = &Options::alternating,
       .help = "chance decides for the first epoch alone, then every other epoch is mirrored (Lapel's own)"},
  }};
  static const std::vector<Option<Options>> kOptions = with_start<Options>(kOwn);
  return kOptions;
}

class RandomFlip final : public PictureChange<Options> {
 public:
  static constexpr std::string_view kType = "RandomFlip";

  explicit RandomFlip(const OptionValues& given) : PictureChange(table(), given) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::RandomFlipOp{.in = inputs[0],
                                  .horizontal = chosen().mode != "vertical",
                                  .vertical = chosen().mode != "horizontal",
                                  .alternating = chosen().alternating,
                                  .start_epoch = chosen().first_epoch()}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct RandomFlipLayer>() {
  return make_layer_type<RandomFlip>("random_flip", "pictures mirrored by chance in training", rules_of(table()));
}

}  // namespace lapel::layers
