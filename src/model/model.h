#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/shape.h"
#include "lapel/recipe.h"
#include "lapel/summary.h"
#include "layers/layer.h"

namespace lapel::model {

/// One layer in its place: a node of the graph. Input is a node like any other.
struct Node {
  std::string name;
  std::shared_ptr<const layers::Layer> layer;
  std::vector<std::size_t> inputs;  ///< Positions of earlier nodes.
  std::vector<Shape> input_shapes;
  Shape output_shape;
  std::vector<layers::ParameterSpec> parameters;
  bool after_weights = false;  ///< A layer with weights is before it, over any number of layers.
  std::string place;           ///< `fashion.toml:31, layer 'conv3' (Conv2D)`
};

/// A graph of named layers, in an order in which each comes after its inputs; the last is the output.
/// It holds no numbers: weights live in plan::Parameters. A value; made once, never changed.
class Model {
 public:
  /// Checks names, inputs and shapes. Where the first layer is no Input, one named `input_layer` of shape
  /// `input` is put before it; where it is, its shape must be `input`. Throws Error (kRecipe) with file, line
  /// and layer.
  Model(std::string name, const std::vector<LayerSpec>& layers, const Shape& input);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] const Shape& input_shape() const { return nodes_.front().output_shape; }
  /// Classes: the length of the output vector.
  [[nodiscard]] std::int64_t outputs() const { return nodes_.back().output_shape.size(); }
  [[nodiscard]] std::int64_t trainable_parameters() const;
  [[nodiscard]] std::int64_t non_trainable_parameters() const;
  /// Arithmetic of the forward pass for one sample: 2 per multiply-add.
  [[nodiscard]] std::int64_t flop() const;
  /// Whether no layer is named by another than its next: what Keras calls Sequential.
  [[nodiscard]] bool sequential() const { return sequential_; }

  /// The layers as they can be given to the constructor again, every option written out and every layer named.
  [[nodiscard]] std::vector<LayerSpec> specs() const;

 private:
  std::string name_;
  std::vector<Node> nodes_;
  bool sequential_ = true;
  bool explicit_input_ = false;
};

/// The model as JSON text: name, input shape, layers with name, type, inputs and options.
[[nodiscard]] std::string to_json(const Model& model);
/// Throws Error (kModelFile) for text that is no model; `place` names the file.
[[nodiscard]] Model from_json(std::string_view json, const std::string& place);

[[nodiscard]] Summary summarize(const Model& model);

}  // namespace lapel::model
