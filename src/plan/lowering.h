#pragma once

#include "model/model.h"
#include "plan/program.h"

namespace lapel::plan {

/// The model as its layers say it: their operators one after another, with every reshape and the last softmax. Random
/// operators get the numbers by which they draw (`unit`), whatever the mode. `scale` is what pixels are multiplied
/// with.
[[nodiscard]] Program lower(const model::Model& model, bool training, float scale);

}  // namespace lapel::plan
