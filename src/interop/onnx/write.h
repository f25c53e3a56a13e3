#pragma once

#include <string>

#include "interop/onnx/graph.h"

namespace lapel::interop::onnx {

/// The bytes of an .onnx file. The same model gives the same bytes.
[[nodiscard]] std::string to_bytes(const Model& model);

}  // namespace lapel::interop::onnx
