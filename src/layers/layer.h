#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/shape.h"
#include "kernels/ops.h"

namespace lapel::layers {

enum class Initializer { kGlorotUniform, kZeros, kOnes };

/// A weight that a layer has, in Keras's words, order and shape.
struct ParameterSpec {
  std::string name;                 ///< `kernel`, `bias`
  std::vector<std::int64_t> shape;  ///< dense kernel [in, out]; conv kernel [h, w, in, out]
  Initializer initializer = Initializer::kZeros;
  std::int64_t fan_in = 0;
  std::int64_t fan_out = 0;
  bool trainable = true;

  [[nodiscard]] std::int64_t size() const;
};

/// A layer is data: its options, and pure functions of them and of the shapes that reach it.
/// Errors are Error (kRecipe) without a place; the model adds the layer's name and line, and the shapes and
/// names of its inputs.
class Layer {
 public:
  virtual ~Layer() = default;

  /// Keras's class name.
  [[nodiscard]] virtual std::string_view type() const = 0;
  /// Every option with its value, defaults included.
  [[nodiscard]] virtual OptionValues options() const = 0;
  /// How many inputs it takes; the default is one.
  [[nodiscard]] virtual std::int64_t min_inputs() const { return 1; }
  [[nodiscard]] virtual std::int64_t max_inputs() const { return 1; }
  /// Throws when the inputs do not fit.
  [[nodiscard]] virtual Shape output_shape(std::span<const Shape> inputs) const = 0;
  /// In the order in which the operators of `lower` take them.
  [[nodiscard]] virtual std::vector<ParameterSpec> parameters(std::span<const Shape> /*inputs*/) const { return {}; }
  /// Whether no gradient passes through it, so that it must come before every layer with weights.
  [[nodiscard]] virtual bool before_weights() const { return false; }
  /// A chain of operators: the first takes the inputs, each other the one before it. The first that has
  /// weights takes `parameters`.
  [[nodiscard]] virtual std::vector<kernels::Op> lower(std::span<const Shape> inputs) const = 0;
};

/// One line of the table of layers.
struct LayerType {
  std::string_view type;       ///< `Conv2D`
  std::string_view base_name;  ///< What Keras names it: `conv2d`
  std::string_view help;       ///< One sentence.
  std::vector<OptionRule> rules;
  std::unique_ptr<Layer> (*make)(const OptionValues& options);
};

/// Every layer there is, in a fixed order.
[[nodiscard]] std::span<const LayerType> layer_types();

/// The line of the table for this type. Throws Error (kRecipe) for an unknown one (naming the nearest).
[[nodiscard]] const LayerType& find_layer_type(std::string_view type);

/// The layer of this type with these options. Throws Error (kRecipe) for an unknown type (naming the nearest),
/// an unknown option, or a value that is not allowed.
[[nodiscard]] std::unique_ptr<Layer> make_layer(std::string_view type, const OptionValues& options);

}  // namespace lapel::layers
