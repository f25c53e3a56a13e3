#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/statistics.h"

namespace lapel::measuring {

using Clock = std::chrono::steady_clock;

/// Takes the time from call to call, and says when there are enough: after a warm-up of at least 5 steps and a fifth of
/// a second, either so many as are wanted, or what fits into a second, at least 20 and at most `most`.
class Stopwatch {
 public:
  Stopwatch(std::int64_t wanted, std::int64_t most) : wanted_(wanted), most_(most) {
    samples_.reserve(static_cast<std::size_t>(wanted > 0 ? wanted : most));
  }

  /// A step ended. `counts`: it is one of those that are to be measured.
  void lap(bool counts) {
    const auto now = Clock::now();
    const std::chrono::duration<double, std::milli> taken = now - last_;
    last_ = now;
    taken_ = warm_ && counts;
    if (taken_) {
      samples_.push_back(taken.count());
    }
    if (!warm_ && ++warm_up_ >= kWarmUpSteps && now - start_ >= kWarmUpTime) {
      warm_ = true;
      start_ = now;
    }
  }

  /// Whether the last lap was measured.
  [[nodiscard]] bool taken() const { return taken_; }

  [[nodiscard]] bool enough() const {
    const auto count = static_cast<std::int64_t>(samples_.size());
    return wanted_ > 0 ? count >= wanted_ : count >= most_ || (count >= kLeast && last_ - start_ >= kTime);
  }

  [[nodiscard]] TimeStatistics result() const { return statistics(samples_); }

 private:
  static constexpr std::int64_t kLeast = 20;
  static constexpr auto kTime = std::chrono::seconds(1);
  static constexpr int kWarmUpSteps = 5;
  static constexpr auto kWarmUpTime = std::chrono::milliseconds(200);

  std::int64_t wanted_;
  std::int64_t most_;
  std::vector<double> samples_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  int warm_up_ = 0;
  bool warm_ = false;
  bool taken_ = false;
};

}  // namespace lapel::measuring
