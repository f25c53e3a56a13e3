#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: a chain on pixels and the Dense layer on all that it gives become one DenseOnPixelsOp.
/// When: the layer alone reads the chain, kernels::fits_dense_on_pixels, and its weights come just after. Not where a
/// layer before it does something in training alone: the weights are to lie alike in every plan.
/// Why: each pixel's part of the layer's sum is a row of a table of 256, so the chain's output, the largest value of
/// the program, is never made (docs/kernels.md, "A Dense layer that sees all pixels").
void dense_on_pixels(Program& program);

}  // namespace lapel::plan
