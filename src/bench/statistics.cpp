#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lapel::measuring {

namespace {

double quantile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

}  // namespace

TimeStatistics statistics(std::vector<double> milliseconds) {
  if (milliseconds.empty()) {
    return {};
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return {static_cast<std::int64_t>(milliseconds.size()),
          quantile(milliseconds, 0.5),
          milliseconds.front(),
          quantile(milliseconds, 0.25),
          quantile(milliseconds, 0.75),
          std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0) / static_cast<double>(milliseconds.size())};
}

}  // namespace lapel::measuring
