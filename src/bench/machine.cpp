#include "bench/machine.h"

#include <cmath>
#include <numeric>

#include "base/threads.h"
#include "kernels/cpu.h"
#include "kernels/limits.h"

namespace lapel::measuring {

MachineLimits machine_limits(int threads) {
  const ThreadScope scope(threads);
  MachineLimits machine{kernels::cpu().model,
                        kernels::cpu().isa,
                        kernels::onednn_version(),
                        threads,
                        kernels::measure_matrix_gflops(kernels::Dtype::kFloat32),
                        kernels::measure_matrix_gflops(kernels::Dtype::kBfloat16),
                        {}};
  // From a first-level cache for each thread to far beyond the last level.
  constexpr std::int64_t kLeast = std::int64_t{1} << 15U;
  constexpr std::int64_t kMost = std::int64_t{1} << 28U;
  for (std::int64_t bytes = kLeast * threads; bytes <= kMost; bytes *= 4) {
    machine.bandwidth.push_back({bytes, kernels::measure_bandwidth(static_cast<std::size_t>(bytes))});
  }
  return machine;
}

MachineLimits mean_of(const MachineLimits& before, const MachineLimits& after) {
  MachineLimits mean = before;
  mean.float32_gflops = std::midpoint(before.float32_gflops, after.float32_gflops);
  mean.bfloat16_gflops = std::midpoint(before.bfloat16_gflops, after.bfloat16_gflops);
  for (std::size_t i = 0; i < mean.bandwidth.size(); ++i) {
    double& bandwidth = mean.bandwidth[i].gigabytes_per_second;
    bandwidth = std::midpoint(bandwidth, after.bandwidth[i].gigabytes_per_second);
  }
  return mean;
}

double bandwidth_at(const MachineLimits& machine, std::int64_t bytes) {
  const auto& measured = machine.bandwidth;
  if (measured.empty()) {
    return 0;
  }
  std::size_t above = 0;
  while (above < measured.size() && measured[above].bytes < bytes) {
    ++above;
  }
  if (above == 0 || above == measured.size()) {
    return (above == 0 ? measured.front() : measured.back()).gigabytes_per_second;
  }
  const auto& low = measured[above - 1];
  const auto& high = measured[above];
  const auto log = [](std::int64_t size) { return std::log(static_cast<double>(size)); };
  const double place = (log(bytes) - log(low.bytes)) / (log(high.bytes) - log(low.bytes));
  return std::lerp(low.gigabytes_per_second, high.gigabytes_per_second, place);
}

}  // namespace lapel::measuring
