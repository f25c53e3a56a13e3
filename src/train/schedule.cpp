#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/options.h"

namespace lapel::training {

namespace {

double level(double from, double /*to*/, double /*at*/) { return from; }

double straight_line(double from, double to, double at) { return from + (to - from) * at; }

/// Half a cosine from `from` (at 0) to `to` (at 1).
double half_cosine(double from, double to, double at) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * at)) / 2;
}

/// A way from one value to another.
using Shape = double (*)(double from, double to, double at);

/// What a schedule is made of: a rise to 1 over the warm-up, and a fall after it.
struct Curve {
  double warmup_epochs = 0;
  double warmup_fraction = 0;
  Shape rise = straight_line;
  double initial = 0;
  Shape fall = level;
  double final = 0;
};

class CurveSchedule : public Schedule {
 public:
  explicit CurveSchedule(const Curve& curve) : curve_(curve) {}
  [[nodiscard]] double factor(double progress, double epochs) const override {
    const double warmup =
        curve_.warmup_epochs > 0 ? std::min(1.0, curve_.warmup_epochs / epochs) : curve_.warmup_fraction;
    if (progress < warmup) {
      return curve_.rise(curve_.initial, 1, progress / warmup);
    }
    return warmup < 1 ? curve_.fall(1, curve_.final, (progress - warmup) / (1 - warmup)) : 1;
  }

 private:
  Curve curve_;
};

Curve curve_of(const TypedSpec& full) {
  if (full.type == "OneCycle") {
    const auto options = read_options(one_cycle_options(), full.options);
    return {options.warmup_epochs, options.warmup_fraction, half_cosine, options.initial_factor,
            half_cosine,           options.final_factor};
  }
  if (full.type == "Constant") {
    const auto options = read_options(constant_options(), full.options);
    return {options.warmup_epochs, options.warmup_fraction};
  }
  const auto options = read_options(decay_options(), full.options);
  return {options.warmup_epochs,
          options.warmup_fraction,
          straight_line,
          0,
          full.type == "Linear" ? straight_line : half_cosine,
          options.alpha};
}

}  // namespace

std::unique_ptr<Schedule> make_schedule(const TypedSpec& spec) {
  return std::make_unique<CurveSchedule>(curve_of(resolved("schedule", schedule_types(), spec)));
}

}  // namespace lapel::training
