#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: a convolution and the maximum pooling after it become one ConvPoolOp.
/// When: the pooling alone reads the convolution, kernels::fits_conv_pool, and no weights come before, so that no
/// gradient of the convolution's input is needed.
/// Why: with few input channels the numbers between the two are most of the memory that moves; as one operator they
/// stay in registers (docs/kernels.md, "The first convolution and its pooling").
void conv_pool(Program& program);

}  // namespace lapel::plan
