#pragma once

#include <cstdint>

#include "model/model.h"

namespace lapel::model {

/// So many copies of `member` side by side, as one model: they share the input and the layers that change pictures, and
/// what it gives is the softmax of the mean of their logits. A layer `conv` becomes `member_1_conv`, `member_2_conv`,
/// ...; parameters come in the order of the members, within each in its own. One copy is `member` itself.
[[nodiscard]] Model ensemble_of(const Model& member, std::int64_t members);

}  // namespace lapel::model
