#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.h"

namespace lapel::kernels {

/// Elementwise work on this many numbers is worth a thread of its own (some microseconds).
inline constexpr std::int64_t kNumbersPerThread = 16384;

/// Calls `body(begin, end)` on ranges that cover `count` numbers, over all threads where that pays; no two
/// ranges share a cache line of an aligned array.
template <class F>
void parallel_numbers(std::int64_t count, const F& body) {
  constexpr std::int64_t kUnit = 64;
  parallel_for((count + kUnit - 1) / kUnit, kNumbersPerThread / kUnit,
               [&](std::int64_t begin, std::int64_t end) { body(begin * kUnit, std::min(count, end * kUnit)); });
}

/// Calls `body(begin, end)` on ranges of rows of `size` numbers.
template <class F>
void parallel_rows(std::int64_t rows, std::int64_t size, const F& body) {
  parallel_for(rows, kNumbersPerThread / std::max<std::int64_t>(1, size) + 1, body);
}

}  // namespace lapel::kernels
