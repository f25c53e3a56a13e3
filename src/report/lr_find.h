#pragma once

#include "lapel/lr_find.h"
#include "report/plot_data.h"

namespace lapel::report {

/// The smoothed loss over the learning rate (logarithmic), with marks at the suggestions.
[[nodiscard]] Drawing draw_lr_find(const LrFindResult& result);

}  // namespace lapel::report
