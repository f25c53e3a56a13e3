#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: the relu of an operator becomes that of the maximum pooling after it.
/// When: the pooling alone reads the operator, and its windows have at most Pool2DOp::kMostReluPlaces places.
/// Why: the maximum of relus is the relu of the maximum, in the gradient too, and there are fewer maxima than numbers.
/// A linear convolution can then be one with the pooling (conv_pool).
void pool_before_relu(Program& program);

}  // namespace lapel::plan
