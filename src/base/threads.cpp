#include "base/threads.h"

#include <sched.h>

#include <thread>

namespace lapel {

namespace {

/// Returns once `ready()`. Another process may have the core of who is waited for: after some ten microseconds this
/// one's is offered.
template <class F>
void wait_until(const F& ready) {
  constexpr int kSpins = 1000;
  for (int spin = 0; !ready(); ++spin) {
    if (spin < kSpins) {
      __builtin_ia32_pause();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

void wait_for(const std::atomic<std::uint64_t>& value, std::uint64_t wanted) {
  wait_until([&] { return value.load(std::memory_order_acquire) == wanted; });
}

Team*& Team::of_this_thread() {
  thread_local Team* team = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
  return team;
}

void Team::start(Work work, const void* body, std::int64_t parts) {
  work_ = work;
  body_ = body;
  parts_ = parts;
  started_.store(started_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void Team::serve(int thread) {
  for (std::uint32_t seen = 0;; ++seen) {
    wait_until([&] { return started_.load(std::memory_order_acquire) != seen; });
    if (work_ == nullptr) {
      return;
    }
    if (thread < parts_) {
      work_(body_, thread, parts_);
    }
    finished_.fetch_add(1, std::memory_order_release);
  }
}

void Team::wait_for_parts() {
  const std::uint32_t all = started_.load(std::memory_order_relaxed) * static_cast<std::uint32_t>(threads_ - 1);
  wait_until([&] { return finished_.load(std::memory_order_acquire) == all; });
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return std::max(1, CPU_COUNT(&set));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace lapel
