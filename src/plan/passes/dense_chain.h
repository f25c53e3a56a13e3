#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: a small Dense layer on many rows becomes a DenseChainOp; chains that follow each other become one; the
/// first one takes in the pictures.
/// When: kernels::fits_chain, of each layer by itself. Two chains join where the second alone reads the first and its
/// weights come just after. A chain takes in pictures that it alone reads, if they have one channel.
/// Why: such a layer does little arithmetic for each number that it moves; within a chain the numbers between layers
/// stay in the cache, and on pixels there are only 256 different rows (docs/kernels.md, "Chains of small Dense
/// layers"). Whether a layer is in a chain depends on nothing but the layer, so that its weights lie alike in every
/// plan.
void dense_chain(Program& program);

}  // namespace lapel::plan
