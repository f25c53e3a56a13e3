#pragma once

#include <string>

namespace lapel::measuring {

/// Something that took a while, for a trace.
struct TraceEvent {
  std::string name;
  double start_us = 0;  ///< Since the first event.
  double duration_us = 0;
};

}  // namespace lapel::measuring
