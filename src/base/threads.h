#pragma once

#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>

namespace lapel {

/// How many threads to use where nobody said: what OMP_NUM_THREADS says, else the cores that this process may run on.
[[nodiscard]] int default_threads();

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
///
/// Part p is thread p's, whose cache has what it worked on before. But where that thread has no core, as other
/// processes compute there, its caller does the part itself instead of waiting. Parts are the same whoever does them.
/// Who waits looks again and again for some ten microseconds and then sleeps, for others may want the core.
class Team {
 public:
  /// Calls `body()` on this thread, whose parallel_for and parallel_phases use a team of the ThreadScope's threads.
  /// What it throws reaches the caller. In another team or parallel region, or with one thread, there is none.
  template <class F>
  static void with(const F& body) {
    const int threads = std::min(omp_get_max_threads(), kMostThreads);
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
        team.dissolve();
      }
    }
    carrier.rethrow();
  }

  /// That of the body in which this thread is; null elsewhere, and in a part of work.
  [[nodiscard]] static Team* current() { return of_this_thread(); }

  /// Calls `body(part, parts)`, which must not throw nor wait for another part, once for each part; no more parts than
  /// threads.
  template <class F>
  void run(std::int64_t parts, const F& body) {
    parts = std::min<std::int64_t>(parts, threads_);
    of_this_thread() = nullptr;
    start([](const void* of, std::int64_t part, std::int64_t all) { (*static_cast<const F*>(of))(part, all); }, &body,
          parts);
    body(std::int64_t{0}, parts);
    finish();
    of_this_thread() = this;
  }

 private:
  using Work = void (*)(const void* body, std::int64_t part, std::int64_t parts);

  static constexpr int kMostThreads = 255;
  /// As far as a core fetches lines beyond one that it waits for (docs/kernels.md): the team lies among its thread's
  /// variables.
  static constexpr std::size_t kApart = 4096;

  /// What has become of one thread's part: 2 w + 1 where someone does that of work w, then 2 w + 2.
  struct alignas(64) Part {
    std::atomic<std::uint64_t> state = 0;
  };

  Team() = default;
  void start(Work work, const void* body, std::int64_t parts);
  /// Does or waits for all parts that are not done.
  void finish();
  void serve(int thread);
  void dissolve();
  /// Whether part `part` of work `number` was still nobody's; then it is the caller's to do.
  [[nodiscard]] bool claim(std::int64_t part, std::uint64_t number);
  void done(std::int64_t part, std::uint64_t number);
  template <class F>
  void wait_until(const F& ready);
  /// After a change that others may sleep for.
  void wake();

  /// The team is known to its thread, as OpenMP's own settings are.
  static Team*& of_this_thread();

  /// One line: the threads that wait for the work's number have what they are to do with it. The parts are in the lower
  /// byte of the number, so that who comes late never takes one work's parts for another's; none: the team is
  /// dissolved. The rest may be overwritten by then, but what is read of it counts only with a part that was claimed.
  alignas(kApart) std::atomic<std::uint64_t> started_ = 0;
  std::atomic<Work> work_ = nullptr;
  std::atomic<const void*> body_ = nullptr;
  alignas(kApart) std::array<Part, kMostThreads> parts_{};
  alignas(kApart) int threads_ = 1;
  std::atomic<int> sleepers_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
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
