#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: a BatchNormalization goes into the weights of the product before it, whose parameters then say how their
/// numbers come from the model's (folded_weights.h). A product without a bias gets one.
/// When: weights are frozen, and the normalization alone reads a linear Dense or Conv2D.
/// Why: in evaluation it multiplies each channel with a number and adds another, so weights and bias can have both in
/// them (Jacob et al. 2017, arXiv:1712.05877, section 3.2), and a pass over the activations is gone.
void fold_batch_norm(Program& program);

}  // namespace lapel::plan
