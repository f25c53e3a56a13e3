#pragma once

#include "interop/format.h"
#include "interop/onnx/graph.h"

namespace lapel::interop {

/// The line of the list of formats for ONNX files.
[[nodiscard]] Format onnx_format();

namespace onnx {

/// The whole model: pictures in, probabilities out; preprocessing, views and the mean over them inside.
[[nodiscard]] Model model_of(const store::ModelFile& file, bool takes_pixels);

}  // namespace onnx

}  // namespace lapel::interop
