#pragma once

#include <cstdint>

#include "lapel/bench.h"

namespace lapel::measuring {

/// Measures the machine with so many threads.
[[nodiscard]] MachineLimits machine_limits(int threads);

/// The means of two measurements of one machine, between which something else was measured: others share its memory,
/// whose bandwidth changes within seconds.
[[nodiscard]] MachineLimits mean_of(const MachineLimits& before, const MachineLimits& after);

/// 10^9 bytes a second over a working set of so many bytes: between two measured sizes in proportion to the logarithm
/// of the size, beyond them as at the nearest. 0 where nothing was measured.
[[nodiscard]] double bandwidth_at(const MachineLimits& machine, std::int64_t bytes);

}  // namespace lapel::measuring
