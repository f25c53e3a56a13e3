#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: takes out a softmax that gives the program's result; what it reads are the logits.
/// When: it is the last instruction.
/// Why: the loss computes softmax and cross-entropy as one, which is exact where a probability rounds to 0 and saves
/// a pass over the logits and their gradient. Predictions apply the softmax to the logits themselves.
void drop_last_softmax(Program& program);

}  // namespace lapel::plan
