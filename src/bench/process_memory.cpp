#include "bench/process_memory.h"

#include <fstream>
#include <string>

namespace lapel::measuring {

Resident resident_memory() {
  constexpr std::int64_t kKilobyte = 1024;
  Resident found;
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    if (key == "VmRSS:") {
      status >> found.now;
    } else if (key == "VmHWM:") {
      status >> found.peak;
    } else if (key == "RssFile:") {
      status >> found.files;
    }
  }
  return {found.now * kKilobyte, found.peak * kKilobyte, found.files * kKilobyte};
}

void reset_peak() {
  // "5" resets VmHWM: proc(5), /proc/pid/clear_refs.
  std::ofstream("/proc/self/clear_refs") << "5";
}

}  // namespace lapel::measuring
