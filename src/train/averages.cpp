#include "train/averages.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/threads.h"

namespace lapel::training {

namespace {

constexpr std::int64_t kGrain = 1 << 14;

/// mean = kept mean + (1 - kept) values.
void average(std::span<float> mean, std::span<const float> values, double kept) {
  const auto keep = static_cast<float>(kept);
  const auto take = static_cast<float>(1 - kept);
  parallel_for(static_cast<std::int64_t>(mean.size()), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      mean[i] = keep * mean[i] + take * values[i];
    }
  });
}

void copy(std::span<const float> from, std::span<float> to) { std::copy(from.begin(), from.end(), to.begin()); }

}  // namespace

Averages::Averages(const TrainSpec& spec, plan::Parameters& parameters)
    : momentum_(spec.ema_momentum),
      frequency_(spec.ema_frequency),
      overwrite_(spec.ema_overwrite_frequency),
      sync_period_(spec.lookahead_sync_period),
      slow_step_size_(spec.lookahead_slow_step_size),
      ramp_(spec.lookahead_ramp) {
  const std::size_t bytes = parameters.values().size_bytes();
  if (spec.use_ema) {
    mean_ = Buffer(bytes);
  }
  if (sync_period_ > 0) {
    slow_ = Buffer(bytes);
    copy(parameters.values(), slow());
  }
}

void Averages::after_step(plan::Parameters& parameters, std::int64_t step, double progress) {
  const auto weights = parameters.values();
  bool changed = false;
  if (sync_period_ > 0 && step % sync_period_ == 0) {
    average(slow(), weights, (1 - slow_step_size_) * std::pow(progress, ramp_));
    copy(slow(), weights);
    changed = true;
  }
  if (!mean().empty()) {
    if (step % frequency_ == 0) {
      average(mean(), weights, step == frequency_ ? 0 : momentum_);
    }
    if (overwrite_ > 0 && step % overwrite_ == 0 && step >= frequency_) {
      copy(mean(), weights);
      changed = true;
    }
  }
  if (changed) {
    parameters.refresh_low();
  }
}

const Buffer* Averages::others(std::int64_t step) const {
  const bool averaged = mean_.size() > 0;
  const Buffer& other = averaged ? mean_ : slow_;
  return other.size() == 0 || step < (averaged ? frequency_ : sync_period_) ? nullptr : &other;
}

std::span<const float> Averages::evaluated(plan::Parameters& parameters, std::int64_t step) const {
  const Buffer* other = others(step);
  return other == nullptr ? parameters.values() : other->as<float>();
}

void Averages::exchange(plan::Parameters& parameters, std::int64_t step) {
  const Buffer* other = others(step);
  if (other == nullptr) {
    return;
  }
  const auto weights = parameters.values();
  std::swap_ranges(weights.begin(), weights.end(), (other == &mean_ ? mean() : slow()).begin());
  parameters.refresh_low();
}

}  // namespace lapel::training
