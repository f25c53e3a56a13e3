#pragma once

#include <span>
#include <string>

#include "interop/onnx/builder.h"
#include "interop/weights.h"

namespace lapel::interop::onnx {

/// Adds the nodes of one layer and gives its output's name. Pictures are n, c, h, w here; a flat value is n, length.
/// `last`: it gives logits, without its softmax. Throws Error (kRecipe) for a layer that ONNX has nothing for.
[[nodiscard]] std::string add_layer(GraphBuilder& graph, const LayerView& layer, std::span<const std::string> inputs,
                                    bool last);

/// Adds what brings a picture of this shape to a vector in the order h, w, c.
[[nodiscard]] std::string add_flatten(GraphBuilder& graph, const std::string& name, const std::string& value,
                                      const Shape& shape);

}  // namespace lapel::interop::onnx
