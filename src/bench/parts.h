#pragma once

#include <cstdint>
#include <vector>

#include "bench/trace_event.h"
#include "bench/whole_step.h"
#include "lapel/bench.h"

namespace lapel::measuring {

/// The parts of the steps that were run, in the order in which they run.
struct MeasuredParts {
  std::vector<BenchPart> parts;    ///< Without limits.
  std::vector<TraceEvent> steps;   ///< The last few steps that were measured,
  std::vector<TraceEvent> events;  ///< and their parts.
};

/// Runs steps with a look at the clock after each part. What comes between steps belongs to none.
[[nodiscard]] MeasuredParts time_parts(const Work& work);

/// Puts a limit to each part, their sums, and the order by time lost. `bfloat16`: whose peak counts.
[[nodiscard]] BenchParts with_limits(std::vector<BenchPart> parts, const MachineLimits& machine,
                                     std::int64_t working_set, bool bfloat16);

}  // namespace lapel::measuring
