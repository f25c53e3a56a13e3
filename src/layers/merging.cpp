#include <algorithm>

#include "lapel/error.h"
#include "layers/layer_factories.h"

namespace lapel::layers {

namespace {

/// What makes one value of several of the same shape, number by number.
class Merging : public Layer {
 public:
  explicit Merging(const OptionValues& given) { check_keys({}, given); }

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
};

class Add final : public Merging {
 public:
  static constexpr std::string_view kType = "Add";

  using Merging::Merging;

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    return {kernels::AddOp{.size = inputs[0].size(), .inputs = static_cast<std::int64_t>(inputs.size())}};
  }
};

class Average final : public Merging {
 public:
  static constexpr std::string_view kType = "Average";

  using Merging::Merging;

  [[nodiscard]] std::string_view type() const override { return kType; }
  [[nodiscard]] std::vector<kernels::Op> lower(std::span<const Shape> inputs) const override {
    const auto count = static_cast<std::int64_t>(inputs.size());
    return {kernels::AddOp{.size = inputs[0].size(), .inputs = count, .scale = 1.0 / static_cast<double>(count)}};
  }
};

}  // namespace

template <>
LayerType layer_type<struct AddLayer>() {
  return make_layer_type<Add>("add", "the sum of its inputs, number by number", {});
}
template <>
LayerType layer_type<struct AverageLayer>() {
  return make_layer_type<Average>("average", "the mean of its inputs, number by number", {});
}

}  // namespace lapel::layers
