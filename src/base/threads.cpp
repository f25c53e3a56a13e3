#include "base/threads.h"

#include <sched.h>

#include <cstdlib>
#include <thread>

namespace lapel {

namespace {

/// Another process may have the core of who is waited for: after so many looks, some ten microseconds, a thread sleeps.
constexpr int kLooks = 1000;
/// The caller is done with its own part, and the others' are still nobody's: their threads, where they have a core,
/// take them within so many looks.
constexpr int kLooksBeforeOthersParts = 100;

constexpr std::uint64_t kPartsMask = 0xFF;
constexpr std::uint64_t kNumberShift = 8;

template <class F>
bool look(int times, const F& ready) {
  for (int i = 0; i < times; ++i) {
    if (ready()) {
      return true;
    }
    __builtin_ia32_pause();
  }
  return ready();
}

int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return std::max(1, CPU_COUNT(&set));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

Team*& Team::of_this_thread() {
  thread_local Team* team = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
  return team;
}

template <class F>
void Team::wait_until(const F& ready) {
  if (look(kLooks, ready)) {
    return;
  }
  std::unique_lock lock(mutex_);
  ++sleepers_;
  changed_.wait(lock, ready);
  --sleepers_;
}

/// Either who falls asleep sees the change, or is seen here: both write first and then read, in one order for all.
void Team::wake() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_relaxed) > 0) {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
}

void Team::start(Work work, const void* body, std::int64_t parts) {
  work_.store(work, std::memory_order_relaxed);
  body_.store(body, std::memory_order_relaxed);
  const std::uint64_t number = (started_.load(std::memory_order_relaxed) >> kNumberShift) + 1;
  started_.store(number << kNumberShift | static_cast<std::uint64_t>(parts), std::memory_order_release);
  wake();
}

bool Team::claim(std::int64_t part, std::uint64_t number) {
  std::atomic<std::uint64_t>& state = parts_[static_cast<std::size_t>(part)].state;
  std::uint64_t before = state.load(std::memory_order_relaxed);
  return before < 2 * number + 1 && state.compare_exchange_strong(before, 2 * number + 1, std::memory_order_acq_rel);
}

void Team::done(std::int64_t part, std::uint64_t number) {
  parts_[static_cast<std::size_t>(part)].state.store(2 * number + 2, std::memory_order_release);
}

void Team::finish() {
  const std::uint64_t started = started_.load(std::memory_order_relaxed);
  const std::uint64_t number = started >> kNumberShift;
  const auto parts = static_cast<std::int64_t>(started & kPartsMask);
  const auto state_of = [&](std::int64_t part) {
    return parts_[static_cast<std::size_t>(part)].state.load(std::memory_order_acquire);
  };
  for (std::int64_t part = 1; part < parts; ++part) {
    const auto taken = [&] { return state_of(part) >= 2 * number + 1; };
    if (!look(kLooksBeforeOthersParts, taken) && claim(part, number)) {
      work_.load(std::memory_order_relaxed)(body_.load(std::memory_order_relaxed), part, parts);
      done(part, number);
    }
  }
  for (std::int64_t part = 1; part < parts; ++part) {
    wait_until([&] { return state_of(part) == 2 * number + 2; });
  }
}

void Team::serve(int thread) {
  for (std::uint64_t seen = 0;;) {
    wait_until([&] { return started_.load(std::memory_order_acquire) != seen; });
    seen = started_.load(std::memory_order_acquire);
    const auto parts = static_cast<std::int64_t>(seen & kPartsMask);
    if (parts == 0) {
      return;
    }
    const Work work = work_.load(std::memory_order_relaxed);
    const void* const body = body_.load(std::memory_order_relaxed);
    if (thread < parts && claim(thread, seen >> kNumberShift)) {
      work(body, thread, parts);
      done(thread, seen >> kNumberShift);
      wake();
    }
  }
}

void Team::dissolve() {
  started_.store(((started_.load(std::memory_order_relaxed) >> kNumberShift) + 1) << kNumberShift,
                 std::memory_order_release);
  wake();
}

int default_threads() {
  const char* const wanted = std::getenv("OMP_NUM_THREADS");
  const long threads = wanted == nullptr ? 0 : std::strtol(wanted, nullptr, 10);
  constexpr long kMost = 4096;
  return threads >= 1 && threads <= kMost ? static_cast<int>(threads) : cores();
}

}  // namespace lapel
