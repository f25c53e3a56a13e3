#include "layers/input.h"

#include <vector>

#include "lapel/error.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

/// Written out, because no other option is a list of any length.
const OptionRule& shape_rule() {
  static const OptionRule kRule = {.key = "shape",
                                   .default_value = std::vector<std::int64_t>(),
                                   .help = "shape of one sample: [height, width, channels] or [length]",
                                   .min = 1,
                                   .max = 65536,
                                   .above_min = false,
                                   .below_max = false,
                                   .required = true,
                                   .pair = false,
                                   .choices = {}};
  return kRule;
}

std::vector<std::int64_t> read_shape(const OptionValues& given) {
  check_keys({&shape_rule(), 1}, given);
  const OptionValue value = checked_value(shape_rule(), given.find("shape")->second);
  return std::get<std::vector<std::int64_t>>(value);
}

class Input final : public Layer {
 public:
  static constexpr std::string_view kType = "Input";

  explicit Input(const OptionValues& given) : shape_(shape_of(read_shape(given))) {}

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return input_options(shape_); }
  [[nodiscard]] std::int64_t min_inputs() const override { return 0; }
  [[nodiscard]] std::int64_t max_inputs() const override { return 0; }
  [[nodiscard]] Shape output_shape(std::span<const Shape> /*inputs*/) const override { return shape_; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> /*inputs*/) const override {
    return {kernels::InputOp{.size = shape_.size()}};
  }

 private:
  static Shape shape_of(const std::vector<std::int64_t>& list) {
    if (list.size() == 1) {
      return Shape::vector(list[0]);
    }
    if (list.size() == 3) {
      return Shape::image(list[2], list[0], list[1]);
    }
    throw Error(ErrorKind::kRecipe, {}, "shape = " + option_text(list) + " is not allowed",
                {{"allowed", "[height, width, channels] or [length]"}}, "shape = [28, 28, 1]");
  }

  Shape shape_;
};

}  // namespace

OptionValues input_options(const Shape& shape) {
  const std::vector<std::int64_t> list = shape.flat
                                             ? std::vector<std::int64_t>{shape.channels}
                                             : std::vector<std::int64_t>{shape.height, shape.width, shape.channels};
  return {{"shape", list}};
}

template <>
LayerType layer_type<struct InputLayer>() {
  return make_layer_type<Input>("input_layer", "where the pictures come in", {shape_rule()});
}

}  // namespace lapel::layers
