#include "kernels/simd/simd_operator.h"

#include <fmt/format.h>
#include <hwy/highway.h>

#include <cstring>

#include "lapel/error.h"

namespace lapel::kernels {

std::string SimdOperator::implementation() const {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  const std::int64_t best = targets & -targets;
  return fmt::format("highway:{}", hwy::TargetName(best));
}

void SimdOperator::check_samples(const StepState& state) const {
  if (static_cast<std::int64_t>(state.samples.size()) != options_.batch) {
    throw Error(ErrorKind::kInternal, {},
                fmt::format("a step of {} rows was given {} samples", options_.batch, state.samples.size()));
  }
}

void SimdOperator::copy(const void* from, void* to, std::int64_t numbers) const {
  const auto width = static_cast<std::int64_t>(dtype_bytes(options_.dtype));
  parallel_numbers(numbers, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(static_cast<std::byte*>(to) + begin * width, static_cast<const std::byte*>(from) + begin * width,
                static_cast<std::size_t>((end - begin) * width));
  });
}

}  // namespace lapel::kernels
