#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: an activation becomes part of the operator before it.
/// When: a relu that alone reads a linear Dense, Conv2D or BatchNormalization; a gelu that alone reads a linear
/// BatchNormalization.
/// Why: the operator applies it while the numbers are in registers, so that they are written once and not read again.
void fuse_activation(Program& program);

}  // namespace lapel::plan
