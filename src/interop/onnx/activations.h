#pragma once

#include <string>
#include <string_view>

#include "interop/onnx/builder.h"

namespace lapel::interop::onnx {

/// Adds Keras's activation `function` of `value` for the layer `layer`, of the second axis for softmax; gives the
/// output's name. Throws Error (kRecipe) for a function that is not in its list.
[[nodiscard]] std::string add_activation(GraphBuilder& graph, const std::string& layer, std::string_view function,
                                         const std::string& value);

}  // namespace lapel::interop::onnx
