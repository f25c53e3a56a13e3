#include "bench/whole_step.h"

#include <algorithm>
#include <stop_token>
#include <vector>

#include "train/loop.h"

namespace lapel::measuring {

namespace {

constexpr std::int64_t kMostWholeSteps = 100'000;
/// More than a machine can do in the time of a measurement, its warm-up included.
constexpr std::int64_t kNeverReached = 1'000'000'000;

void lap(Stopwatch& watch, bool counts, StepEnd* end) {
  watch.lap(counts);
  if (end != nullptr) {
    end->on_end(watch.taken());
  }
}

/// Laps a watch at each step, and stops the training when it has enough.
class StepTimer : public Callback {
 public:
  StepTimer(const Work& work, Stopwatch& watch, StepEnd* end)
      : steps_((work.range.count + work.batch - 1) / work.batch),
        whole_(work.range.count / work.batch),
        watch_(watch),
        end_(end) {}

  void on_step(Training& training) override {
    const std::int64_t in_epoch = (training.steps() - 1) % steps_;
    lap(watch_, in_epoch < whole_ && (in_epoch > 0 || whole_ == 1), end_);
    if (watch_.enough()) {
      stop_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  std::int64_t steps_;  ///< Of an epoch, and those of them with a whole batch.
  std::int64_t whole_;
  Stopwatch& watch_;
  StepEnd* end_;
  std::stop_source stop_;
};

void run_training(const Work& work, Stopwatch& watch, StepEnd* end) {
  const std::int64_t whole = work.range.count / work.batch;
  StepTimer timer(work, watch, end);
  TrainSpec spec = work.train;
  spec.batch_size = work.batch;
  // They also scale the schedule.
  spec.epochs = std::max(spec.epochs, kNeverReached / std::max<std::int64_t>(1, whole));
  const training::LoopInput input{work.pictures, {work.range, {}}, spec, {&timer}, timer.token()};
  static_cast<void>(training::run_loop(work.network, input));
}

/// Of the same pictures again and again: what comes to a model that is in use has just been written.
void run_predictions(const Work& work, Stopwatch& watch, StepEnd* end) {
  std::vector<float> probabilities(static_cast<std::size_t>(work.batch * work.network.model().outputs()));
  while (!watch.enough()) {
    work.network.predict(work.pictures.pictures.pixels.data(), work.range.first, work.batch, work.batch, probabilities);
    lap(watch, true, end);
  }
}

}  // namespace

void run_steps(const Work& work, Stopwatch& watch, StepEnd* end) {
  if (work.mode == BenchMode::kTrain) {
    run_training(work, watch, end);
  } else {
    run_predictions(work, watch, end);
  }
}

TimeStatistics time_steps(const Work& work) {
  Stopwatch watch(work.steps, kMostWholeSteps);
  run_steps(work, watch, nullptr);
  return watch.result();
}

}  // namespace lapel::measuring
