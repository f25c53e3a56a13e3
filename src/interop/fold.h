#pragma once

#include "lapel/findings.h"
#include "store/model_file.h"

namespace lapel::interop {

/// The same model with fewer layers: a BatchNormalization becomes part of the linear Conv2D or Dense that it alone
/// reads, whose kernel is multiplied and whose bias is added to. The answers stay the same but for rounding. Adds to
/// `findings` how many were joined, and which could not be.
[[nodiscard]] store::ModelFile fold_batch_normalization(const store::ModelFile& file, Findings& findings);

}  // namespace lapel::interop
