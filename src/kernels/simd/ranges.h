#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/threads.h"
#include "lapel/error.h"

namespace lapel::kernels {

/// Elementwise work on this many numbers is worth a thread of its own (some microseconds). Costs of other work are
/// given in the same unit: a row of the loss counts as so many numbers, a draw of random numbers as eight.
inline constexpr std::int64_t kNumbersPerThread = 16384;

/// Calls `body(begin, end)` on ranges that cover `count` numbers, over all threads where that pays; no two
/// ranges share a cache line of an aligned array: a line that two cores write goes to and fro between them. Ranges
/// begin at multiples of 64 numbers, a line of bytes, so of any type.
template <class F>
void parallel_numbers(std::int64_t count, const F& body) {
  constexpr std::int64_t kUnit = 64;
  parallel_for((count + kUnit - 1) / kUnit, kNumbersPerThread / kUnit,
               [&](std::int64_t begin, std::int64_t end) { body(begin * kUnit, std::min(count, end * kUnit)); });
}

/// The same with unsigned bounds.
template <class F>
void parallel_numbers_of(std::size_t count, const F& body) {
  parallel_numbers(static_cast<std::int64_t>(count), [&](std::int64_t begin, std::int64_t end) {
    body(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
  });
}

/// Throws Error (kInternal) where the lengths differ of two arrays that go together.
inline void check_lengths(std::size_t length, std::size_t other) {
  if (length != other) {
    throw Error(ErrorKind::kInternal, {},
                fmt::format("arrays of {} and {} numbers where equal ones belong", length, other));
  }
}

/// Calls `body(begin, end)` on ranges of rows of `size` numbers, which may be a cost instead. Rows are whole; two
/// ranges may share a line where a row is none.
template <class F>
void parallel_rows(std::int64_t rows, std::int64_t size, const F& body) {
  parallel_for(rows, kNumbersPerThread / std::max<std::int64_t>(1, size) + 1, body);
}

}  // namespace lapel::kernels
