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

void run_training(const Work& work, Stopwatch& watch, StepEnd* end) {
  const std::int64_t steps = (work.range.count + work.batch - 1) / work.batch;
  const std::int64_t whole = work.range.count / work.batch;
  std::stop_source stop;
  TrainSpec spec = work.train;
  spec.batch_size = work.batch;
  // They also scale the schedule.
  spec.epochs = std::max(spec.epochs, kNeverReached / std::max<std::int64_t>(1, whole));
  const auto after_step = [&](std::int64_t step, double /*loss*/) {
    const std::int64_t in_epoch = (step - 1) % steps;
    lap(watch, in_epoch < whole && (in_epoch > 0 || whole == 1), end);
    if (watch.enough()) {
      stop.request_stop();
    }
  };
  static_cast<void>(training::run_loop(work.network, {.pictures = work.pictures,
                                                      .splits = {work.range, {}},
                                                      .spec = spec,
                                                      .observer = nullptr,
                                                      .stop = stop.get_token(),
                                                      .after_epoch = {},
                                                      .after_step = after_step}));
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
