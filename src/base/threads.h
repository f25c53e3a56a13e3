#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace lapel {

/// Returns once `value` is `wanted`, with all that was written before another thread stored it (with release). That
/// thread must be running, or waiting for a core only: of the same parallel phase, and not for this one.
void wait_for(const std::atomic<std::uint64_t>& value, std::uint64_t wanted);

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

/// Threads that wait in a loop for their parts of work, as long as a caller keeps them: a part reaches them sooner than
/// threads of a parallel region begin (docs/kernels.md). They are OpenMP's own threads, in one region, so that no
/// others wait on their cores; regions of others (oneDNN's) are serial in the meantime.
class Team {
 public:
  /// Calls `body()` on this thread, whose parallel_for and parallel_phases use a team of the ThreadScope's threads.
  /// What it throws reaches the caller. In another team or parallel region, or with one thread, there is none.
  template <class F>
  static void with(const F& body) {
    const int threads = omp_get_max_threads();
    if (threads <= 1 || omp_in_parallel() != 0) {
      body();
      return;
    }
    ExceptionCarrier carrier;
    Team team;
#pragma omp parallel num_threads(threads)
    {
      if (omp_get_thread_num() > 0) {
        team.serve(omp_get_thread_num());
      } else {
        team.threads_ = omp_get_num_threads();
        of_this_thread() = &team;
        carrier.run(body);
        of_this_thread() = nullptr;
        team.start({}, nullptr, 0);
      }
    }
    carrier.rethrow();
  }

  /// That of the body in which this thread is; null elsewhere, and in a part of work.
  [[nodiscard]] static Team* current() { return of_this_thread(); }

  /// Calls `body(part, parts)`, which must not throw, for each part on a thread of its own; no more parts than threads.
  template <class F>
  void run(std::int64_t parts, const F& body) {
    parts = std::min<std::int64_t>(parts, threads_);
    start([](const void* of, std::int64_t part, std::int64_t all) { (*static_cast<const F*>(of))(part, all); }, &body,
          parts);
    of_this_thread() = nullptr;
    body(std::int64_t{0}, parts);
    of_this_thread() = this;
    wait_for_parts();
  }

 private:
  using Work = void (*)(const void* body, std::int64_t part, std::int64_t parts);

  Team() = default;
  /// No work: the team is dissolved.
  void start(Work work, const void* body, std::int64_t parts);
  void serve(int thread);
  void wait_for_parts();

  /// The team is known to its thread, as OpenMP's own settings are.
  static Team*& of_this_thread();

  /// As far as a core fetches lines beyond one that it waits for (docs/kernels.md): the team lies among its thread's
  /// variables.
  static constexpr std::size_t kApart = 4096;

  /// One line: the threads that wait for the count have what they are to do with it.
  alignas(kApart) std::atomic<std::uint32_t> started_ = 0;  ///< Works, counted.
  Work work_ = nullptr;
  const void* body_ = nullptr;
  std::int64_t parts_ = 0;
  alignas(kApart) std::atomic<std::uint32_t> finished_ = 0;  ///< Answers of the other threads, counted.
  alignas(kApart) int threads_ = 1;
};

/// Calls `body(begin, end)` on disjoint ranges that cover [0, count), one a thread, each of at least `grain`
/// items where count allows. The division depends only on count, grain and the number of threads. An
/// exception in `body` reaches the caller. Inside another parallel region it runs serially.
template <class F>
void parallel_for(std::int64_t count, std::int64_t grain, const F& body) {
  const std::int64_t most = std::max<std::int64_t>(1, count / std::max<std::int64_t>(1, grain));
  const int threads = static_cast<int>(std::min<std::int64_t>(most, omp_get_max_threads()));
  Team* const team = Team::current();
  if (threads <= 1 || (team == nullptr && omp_in_parallel() != 0)) {
    if (count > 0) {
      body(std::int64_t{0}, count);
    }
    return;
  }
  ExceptionCarrier carrier;
  const auto one = [&](std::int64_t part, std::int64_t parts) {
    const std::int64_t begin = count * part / parts;
    const std::int64_t end = count * (part + 1) / parts;
    if (begin < end) {
      carrier.run([&] { body(begin, end); });
    }
  };
  if (team != nullptr) {
    team->run(threads, one);
  } else {
#pragma omp parallel num_threads(threads)
    one(omp_get_thread_num(), omp_get_num_threads());
  }
  carrier.rethrow();
}

/// Calls each of `phases` as `phase(part, parts)` on `threads` threads, all of one phase before any of the next. One
/// parallel region: cheaper than one for each phase. Phases must not throw. `parts` is less than `threads` where there
/// are no more threads, and 1 inside another parallel region.
template <class... F>
void parallel_phases(int threads, const F&... phases) {
  Team* const team = Team::current();
  if (threads <= 1 || (team == nullptr && omp_in_parallel() != 0)) {
    (phases(std::int64_t{0}, std::int64_t{1}), ...);
    return;
  }
  if (team != nullptr) {
    (team->run(threads, phases), ...);
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
