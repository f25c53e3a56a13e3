#include <algorithm>

#include "lapel/error.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

class Add final : public Layer {
 public:
  static constexpr std::string_view kType = "Add";

  explicit Add(const OptionValues& given) { check_keys({}, given); }

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] OptionValues options() const override { return {}; }
  [[nodiscard]] std::int64_t min_inputs() const override { return 2; }
  [[nodiscard]] std::int64_t max_inputs() const override { return 64; }

  [[nodiscard]] Shape output_shape(std::span<const Shape> inputs) const override {
    if (!std::all_of(inputs.begin(), inputs.end(), [&](const Shape& shape) { return shape == inputs[0]; })) {
      throw Error(ErrorKind::kRecipe, {}, "inputs of different shapes cannot be added", {},
                  "the same filters and strides in both, and padding = \"same\"");
    }
    return inputs[0];
  }

  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::AddOp{.size = inputs[0].size(), .inputs = static_cast<std::int64_t>(inputs.size())}};
  }
};

}  // namespace

LayerType add_layer() { return layer_type<Add>("add", "the sum of its inputs, number by number", {}); }

}  // namespace lapel::layers
