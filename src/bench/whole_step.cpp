#include "bench/whole_step.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "bench/statistics.h"
#include "train/loop.h"

namespace lapel::measuring {

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

/// Takes the time between calls, and decides when there are enough.
class Stopwatch {
 public:
  explicit Stopwatch(std::int64_t wanted) : wanted_(wanted) { samples_.reserve(static_cast<std::size_t>(kMost)); }

  /// A step ended; `counts`: it is one of those that are to be measured. True once there are enough.
  [[nodiscard]] bool lap(bool counts) {
    const auto now = Clock::now();
    const Milliseconds taken = now - last_;
    last_ = now;
    if (warm_) {
      if (counts) {
        samples_.push_back(taken.count());
      }
      return enough(now);
    }
    warm_ = ++warm_up_ >= kWarmUpSteps && now - start_ >= kWarmUpTime;
    start_ = warm_ ? now : start_;
    return false;
  }

  [[nodiscard]] TimeStatistics result() { return statistics(std::move(samples_)); }

  static constexpr std::int64_t kMost = 100'000;

 private:
  [[nodiscard]] bool enough(Clock::time_point now) const {
    const auto count = static_cast<std::int64_t>(samples_.size());
    return wanted_ > 0 ? count >= wanted_ : count >= kMost || (count >= kLeast && now - start_ >= kTime);
  }

  static constexpr std::int64_t kLeast = 20;
  static constexpr auto kTime = std::chrono::seconds(1);
  static constexpr int kWarmUpSteps = 5;
  static constexpr auto kWarmUpTime = std::chrono::milliseconds(200);

  std::int64_t wanted_;
  std::vector<double> samples_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  int warm_up_ = 0;
  bool warm_ = false;
};

}  // namespace

TimeStatistics time_training(const Work& work) {
  const std::int64_t steps = (work.range.count + work.batch - 1) / work.batch;
  const std::int64_t whole = work.range.count / work.batch;
  const auto counts = [&](std::int64_t step) {
    const std::int64_t in_epoch = (step - 1) % steps;
    return in_epoch < whole && (in_epoch > 0 || whole == 1);
  };
  Stopwatch watch(work.steps);
  std::stop_source stop;
  TrainSpec spec = work.train;
  // Without an end of its own; the epochs also scale the schedule, so not too many.
  spec.epochs =
      std::max<std::int64_t>(work.train.epochs, 2 * (Stopwatch::kMost + work.steps) / std::max<std::int64_t>(1, whole));
  const training::LoopInput input{.pictures = work.pictures,
                                  .splits = {work.range, {}},
                                  .spec = spec,
                                  .observer = nullptr,
                                  .stop = stop.get_token(),
                                  .after_epoch = {},
                                  .after_step = [&](std::int64_t step, double /*loss*/) {
                                    if (watch.lap(counts(step))) {
                                      stop.request_stop();
                                    }
                                  }};
  static_cast<void>(training::run_loop(work.network, input));
  return watch.result();
}

TimeStatistics time_prediction(const Work& work) {
  const std::int64_t batches = std::max<std::int64_t>(1, work.range.count / work.batch);
  std::vector<float> probabilities(static_cast<std::size_t>(work.batch * work.network.model().outputs()));
  Stopwatch watch(work.steps);
  for (std::int64_t i = 0;; ++i) {
    const std::int64_t first = work.range.first + i % batches * work.batch;
    work.network.predict(work.pictures.pictures.pixels.data(), first, work.batch, work.batch, probabilities);
    if (watch.lap(true)) {
      return watch.result();
    }
  }
}

}  // namespace lapel::measuring
