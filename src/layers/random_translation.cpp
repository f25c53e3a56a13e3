#include <algorithm>
#include <array>

#include "layers/layer_factories.h"
#include "layers/window.h"

namespace lapel::layers {

namespace {

struct Options {
  double height_factor = 0;
  double width_factor = 0;
  std::string fill_mode = "reflect";
  double fill_value = 0;
  std::string interpolation = "bilinear";
};

constexpr std::array<std::string_view, 4> kFillModes = {"constant", "reflect", "wrap", "nearest"};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 5> kOptions = {{
      {.key = "height_factor",
       .member = &Options::height_factor,
       .help = "how far up or down, as a share of the height",
       .min = 0,
       .max = 1,
       .required = true},
      {.key = "width_factor",
       .member = &Options::width_factor,
       .help = "how far to the left or right, as a share of the width",
       .min = 0,
       .max = 1,
       .required = true},
      {.key = "fill_mode",
       .member = &Options::fill_mode,
       .help = "what comes in from beyond the edge",
       .choices = {kFillModes.begin(), kFillModes.end()}},
      {.key = "fill_value", .member = &Options::fill_value, .help = "with fill_mode \"constant\": that number"},
      {.key = "interpolation",
       .member = &Options::interpolation,
       .help = "\"bilinear\" moves by parts of a pixel, \"nearest\" by whole ones",
       .choices = {"bilinear", "nearest"}},
  }};
  return kOptions;
}

class RandomTranslation final : public Layer {
 public:
  static constexpr std::string_view kType = "RandomTranslation";

  explicit RandomTranslation(const OptionValues& given) : options_(read_options(table(), given)) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return write_options(table(), options_); }
  [[nodiscard]] bool before_weights() const override { return true; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    require_picture(inputs[0]);
    return inputs[0];
  }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const auto fill = std::find(kFillModes.begin(), kFillModes.end(), options_.fill_mode) - kFillModes.begin();
    return {kernels::RandomTranslationOp{.in = inputs[0],
                                         .height_factor = {-options_.height_factor, options_.height_factor},
                                         .width_factor = {-options_.width_factor, options_.width_factor},
                                         .fill = static_cast<kernels::FillMode>(fill),
                                         .fill_value = static_cast<float>(options_.fill_value),
                                         .bilinear = options_.interpolation == "bilinear"}};
  }

 private:
  Options options_;
};

}  // namespace

LayerType random_translation_layer() {
  return layer_type<RandomTranslation>("random_translation", "pictures moved by chance in training", rules_of(table()));
}

}  // namespace lapel::layers
