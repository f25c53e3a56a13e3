#pragma once

#include <cstdint>

namespace lapel::measuring {

/// Bytes of this process that are in memory, and the most there were since the peak was last reset; 0 where the system
/// does not say (Linux's /proc/self/status).
struct Resident {
  std::int64_t now = 0;
  std::int64_t peak = 0;
  /// Of `now`, what is as it is in files: code and constants of the program and its libraries.
  std::int64_t files = 0;
};
[[nodiscard]] Resident resident_memory();

/// Lets the peak begin anew from what is resident. Where the system does not allow it, the peak stays that of the
/// process's whole life.
void reset_peak();

}  // namespace lapel::measuring
