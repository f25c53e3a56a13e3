#pragma once

#include <chrono>

namespace lapel {

/// Seconds that `body()` takes.
template <class F>
double seconds_of(const F& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace lapel
