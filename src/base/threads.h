#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

namespace lapel {

/// Cores this process may run on.
[[nodiscard]] int available_cores();

/// Sets how many threads parallel regions started by this thread use, oneDNN's among them; restores on exit.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadScope() { omp_set_num_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

/// Carries the first exception of a parallel region to the thread that started it.
class ExceptionCarrier {
 public:
  template <class F>
  void run(const F& body) noexcept {
    try {
      body();
    } catch (...) {
      if (!taken_.exchange(true)) {
        error_ = std::current_exception();
      }
    }
  }
  void rethrow() const {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::atomic<bool> taken_ = false;
  std::exception_ptr error_;
};

/// Calls `body(begin, end)` on disjoint ranges that cover [0, count), one a thread, each of at least `grain`
/// items where count allows. The division depends only on count, grain and the number of threads. An
/// exception in `body` reaches the caller. Inside another parallel region it runs serially.
template <class F>
void parallel_for(std::int64_t count, std::int64_t grain, const F& body) {
  const std::int64_t most = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain));
  const int threads = static_cast<int>(std::min<std::int64_t>(most, omp_get_max_threads()));
  if (threads <= 1 || omp_in_parallel() != 0) {
    if (count > 0) {
      body(std::int64_t{0}, count);
    }
    return;
  }
  ExceptionCarrier carrier;
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t parts = omp_get_num_threads();
    const std::int64_t part = omp_get_thread_num();
    const std::int64_t begin = count * part / parts;
    const std::int64_t end = count * (part + 1) / parts;
    if (begin < end) {
      carrier.run([&] { body(begin, end); });
    }
  }
  carrier.rethrow();
}

/// Calls each of `phases` as `phase(part, parts)` on `threads` threads, all of one phase before any of the next. One
/// parallel region: cheaper than one for each phase. Phases must not throw. `parts` is less than `threads` where there
/// are no more threads, and 1 inside another parallel region.
template <class... F>
void parallel_phases(int threads, const F&... phases) {
  if (threads <= 1 || omp_in_parallel() != 0) {
    (phases(std::int64_t{0}, std::int64_t{1}), ...);
    return;
  }
  const auto meet = [] {
#pragma omp barrier
  };
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t parts = omp_get_num_threads();
    const std::int64_t part = omp_get_thread_num();
    ((phases(part, parts), meet()), ...);
  }
}

}  // namespace lapel
