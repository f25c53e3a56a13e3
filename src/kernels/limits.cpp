#include "kernels/limits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/limits.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x = a x + b for whole vectors, four at a time.
void scale_in_place(float* numbers, std::size_t count) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto a = hn::Set(d, 0.999F);
  const auto b = hn::Set(d, 0.001F);
  for (std::size_t i = 0; i + 4 * lanes <= count; i += 4 * lanes) {
    for (std::size_t part = 0; part < 4; ++part) {
      float* const at = numbers + i + part * lanes;
      hn::Store(hn::MulAdd(a, hn::Load(d, at), b), d, at);
    }
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <array>
#include <chrono>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/onednn/compat.h"
#include "kernels/onednn/primitive.h"

namespace lapel::kernels {

namespace {

HWY_EXPORT(scale_in_place);

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// The least time of a run of `body`, which is run again until `time` has passed, and at least three times after one to
/// warm up.
template <class F>
double least_seconds(Seconds time, const F& body) {
  body();
  double least = 1e30;
  const auto start = Clock::now();
  for (int run = 0; run < 3 || Clock::now() - start < time; ++run) {
    const auto before = Clock::now();
    body();
    least = std::min(least, Seconds(Clock::now() - before).count());
  }
  return least;
}

/// Seconds of a square product; 0 where there is none.
double product_seconds(std::int64_t size, Dtype dtype) {
  const auto square = any_order({size, size}, onednn_type(dtype));
  const auto desc = product_forward({square, square, {}, square}, std::nullopt, {}, false);
  if (!desc || is_reference(*desc)) {
    return 0;
  }
  OnednnPrimitive step(*desc);
  Buffer source(desc->query_md(dnnl::query::src_md, 0).get_size());
  Buffer weights(desc->query_md(dnnl::query::weights_md, 0).get_size());
  Buffer result(desc->query_md(dnnl::query::dst_md, 0).get_size());
  Buffer scratchpad(step.scratchpad_bytes());
  step.bind({{DNNL_ARG_SRC, desc->query_md(dnnl::query::src_md, 0), source.data()},
             {DNNL_ARG_WEIGHTS, desc->query_md(dnnl::query::weights_md, 0), weights.data()},
             {DNNL_ARG_DST, desc->query_md(dnnl::query::dst_md, 0), result.data()}},
            scratchpad.data());
  return least_seconds(Seconds(0.1), [&] { step.run(); });
}

}  // namespace

double measure_matrix_gflops(Dtype dtype) {
  return with_onednn_errors("the largest rate of matrix products", [&] {
    double best = 0;
    for (const std::int64_t size : {512, 1024, 1536, 2048}) {
      const double seconds = product_seconds(size, dtype);
      const auto flop = 2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
      best = seconds > 0 ? std::max(best, flop / seconds / 1e9) : best;
    }
    return best;
  });
}

double measure_bandwidth(std::size_t bytes) {
  Buffer memory(bytes);
  const auto numbers = memory.as<float>();
  const int threads = omp_get_max_threads();
  // Vectors of the widest CPUs, four at a time.
  constexpr std::size_t kUnit = 64;
  const std::size_t part = numbers.size() / static_cast<std::size_t>(threads) / kUnit * kUnit;
  // So many passes in a run that starting the threads costs nothing beside them.
  constexpr std::size_t kBytesPerRun = std::size_t{1} << 26U;
  const std::size_t passes = std::max<std::size_t>(1, kBytesPerRun / bytes);
  const double seconds = least_seconds(Seconds(0.05), [&] {
    parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::size_t pass = 0; pass < passes; ++pass) {
        for (std::int64_t thread = begin; thread < end; ++thread) {
          HWY_DYNAMIC_DISPATCH(scale_in_place)(numbers.data() + static_cast<std::size_t>(thread) * part, part);
        }
      }
    });
  });
  const auto moved = 2 * sizeof(float) * part * static_cast<std::size_t>(threads) * passes;
  return static_cast<double>(moved) / seconds / 1e9;
}

}  // namespace lapel::kernels

#endif
