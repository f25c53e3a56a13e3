#pragma once

#include <span>
#include <string>

#include "bench/trace_event.h"

namespace lapel::report {

/// Events that do not overlap, on one line of the picture.
struct TraceLane {
  std::string name;
  std::span<const measuring::TraceEvent> events;
};

/// Lanes in the Trace Event Format ("JSON array format", complete events), which chrome://tracing and Perfetto open:
/// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
[[nodiscard]] std::string trace_json(std::span<const TraceLane> lanes);

}  // namespace lapel::report
