#pragma once

#include "plan/program.h"

namespace lapel::plan {

/// Rewrites: takes out every instruction whose output is its first input; its readers read that input.
/// When: it changes a shape alone, as Flatten, or is a linear activation; in evaluation also Dropout and what changes
/// pictures. A Dropout of rate 0 goes in training, too.
/// Why: it would copy its input. Later passes see what an operator really reads.
void drop_identities(Program& program);

}  // namespace lapel::plan
