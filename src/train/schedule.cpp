#include "train/schedule.h"

#include <cmath>
#include <numbers>

#include "train/options.h"

namespace lapel::training {

namespace {

/// Half a cosine from `from` (at 0) to `to` (at 1).
double half_cosine(double from, double to, double at) {
  return to + (from - to) * (1 + std::cos(std::numbers::pi * at)) / 2;
}

class Constant : public Schedule {
 public:
  [[nodiscard]] double factor(double /*progress*/) const override { return 1; }
};

class Cosine : public Schedule {
 public:
  explicit Cosine(const CosineOptions& options) : options_(options) {}
  [[nodiscard]] double factor(double progress) const override {
    const double warmup = options_.warmup_fraction;
    return progress < warmup ? progress / warmup : half_cosine(1, options_.alpha, (progress - warmup) / (1 - warmup));
  }

 private:
  CosineOptions options_;
};

class OneCycle : public Schedule {
 public:
  explicit OneCycle(const OneCycleOptions& options) : options_(options) {}
  [[nodiscard]] double factor(double progress) const override {
    const double warmup = options_.warmup_fraction;
    return progress < warmup ? half_cosine(options_.initial_factor, 1, progress / warmup)
                             : half_cosine(1, options_.final_factor, (progress - warmup) / (1 - warmup));
  }

 private:
  OneCycleOptions options_;
};

}  // namespace

std::unique_ptr<Schedule> make_schedule(const TypedSpec& spec) {
  const TypedSpec full = resolved("schedule", schedule_types(), spec);
  if (full.type == "Cosine") {
    return std::make_unique<Cosine>(read_options(cosine_options(), full.options));
  }
  if (full.type == "OneCycle") {
    return std::make_unique<OneCycle>(read_options(one_cycle_options(), full.options));
  }
  return std::make_unique<Constant>();
}

}  // namespace lapel::training
