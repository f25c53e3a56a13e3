#pragma once

#include "kernels/update_rule.h"

namespace lapel::kernels {

/// One step of an optimizer over a stretch of weights, over all threads: UpdateRule(rule).apply(span). Throws Error
/// (kInternal) where lengths differ.
void sgd_update(const SgdRule& rule, const UpdateSpan& span);
void adam_update(const AdamRule& rule, const UpdateSpan& span);

}  // namespace lapel::kernels
