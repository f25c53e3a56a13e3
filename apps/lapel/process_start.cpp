#include "process_start.h"

#include <algorithm>
#include <ctime>

namespace lapel::app {

std::chrono::steady_clock::time_point process_start() {
  constexpr std::chrono::milliseconds kMost(500);  // More than that a shell before us has spent.
  const auto spent = std::chrono::microseconds(std::clock() * (1000000 / CLOCKS_PER_SEC));
  return std::chrono::steady_clock::now() - std::min<std::chrono::microseconds>(spent, kMost);
}

}  // namespace lapel::app
