#include "train/callbacks/monitor.h"

#include <cmath>

#include "train/callbacks/callback_type.h"

namespace lapel::training {

Monitor::Monitor(const MonitorOptions& options, double min_delta)
    : name_(options.monitor),
      larger_is_better_(options.mode == "max" || (options.mode == "auto" && options.monitor.ends_with("accuracy"))),
      min_delta_(std::abs(min_delta)) {}

std::optional<double> Monitor::value(const EpochResult& result) const {
  return name_ == "loss"       ? result.loss
         : name_ == "accuracy" ? result.accuracy
         : name_ == "val_loss" ? result.val_loss
                               : result.val_accuracy;
}

bool Monitor::is_improvement(double value, std::optional<double> reference) const {
  if (!reference) {
    return true;
  }
  return larger_is_better_ ? value - min_delta_ > *reference : value + min_delta_ < *reference;
}

bool Monitor::improves(double value) {
  if (!is_improvement(value, best_)) {
    return false;
  }
  best_ = value;
  return true;
}

void Monitor::save(CallbackState& state) const {
  if (best_) {
    state.numbers["best"] = *best_;
  }
}

void Monitor::restore(const CallbackState& state) {
  best_ = state.numbers.contains("best") ? std::optional(number_of(state, "best")) : std::nullopt;
}

}  // namespace lapel::training
