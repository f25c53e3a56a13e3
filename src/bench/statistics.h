#pragma once

#include <vector>

#include "lapel/bench.h"

namespace lapel::measuring {

/// Of measurements in milliseconds; all zero for none. Quartiles lie between the two measurements next to them, as
/// numpy's default has it (type 7 of Hyndman & Fan 1996).
[[nodiscard]] TimeStatistics statistics(std::vector<double> milliseconds);

}  // namespace lapel::measuring
