#pragma once

#include <span>
#include <vector>

#include "model/model.h"
#include "plan/program.h"

namespace lapel::plan {

/// The numbers of a program's parameters, in their order, from those of the model's weights in its order, each in
/// Keras's layout. Throws Error (kInternal) where `weights` are not those of the model.
[[nodiscard]] std::vector<std::vector<float>> folded_weights(std::span<const Parameter> parameters,
                                                             const model::Model& model,
                                                             std::span<const std::span<const float>> weights);

}  // namespace lapel::plan
