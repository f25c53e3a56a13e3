#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "train/callbacks/callback_factories.h"
#include "train/callbacks/monitor.h"

namespace lapel::training {

namespace {

struct EarlyStoppingOptions : MonitorOptions {
  double min_delta = 0;
  std::int64_t patience = 0;
  double baseline = std::numeric_limits<double>::quiet_NaN();
  bool restore_best_weights = false;
  std::int64_t start_from_epoch = 0;
};

std::span<const Option<EarlyStoppingOptions>> early_stopping_options() {
  static const std::vector<Option<EarlyStoppingOptions>> kOptions = [] {
    auto table = monitor_options<EarlyStoppingOptions>();
    table.push_back({.key = "min_delta",
                     .member = &EarlyStoppingOptions::min_delta,
                     .help = "change that does not count as an improvement",
                     .min = 0});
    table.push_back({.key = "patience",
                     .member = &EarlyStoppingOptions::patience,
                     .help = "epochs without improvement after which the training ends",
                     .min = 0});
    table.push_back({.key = "baseline",
                     .member = &EarlyStoppingOptions::baseline,
                     .help = "figure that must be reached for the patience to begin anew",
                     .word = "none"});
    table.push_back({.key = "restore_best_weights",
                     .member = &EarlyStoppingOptions::restore_best_weights,
                     .help = "end with the weights of the best epoch, whatever ends the training"});
    table.push_back({.key = "start_from_epoch",
                     .member = &EarlyStoppingOptions::start_from_epoch,
                     .help = "epochs at the beginning that are not looked at",
                     .min = 0});
    return table;
  }();
  return kOptions;
}

/// Keras's EarlyStopping, step by step.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(const EarlyStoppingOptions& options)
      : options_(options), monitor_(options, options.min_delta) {}

  void on_epoch(Training& training) override {
    const EpochResult& result = training.history().back();
    const auto current = monitor_.value(result);
    if (!current || result.epoch <= options_.start_from_epoch) {
      return;
    }
    if (options_.restore_best_weights && best_weights_.empty()) {
      best_weights_ = training.weights();
    }
    ++wait_;
    if (monitor_.improves(*current)) {
      if (options_.restore_best_weights) {
        best_weights_ = training.weights();
      }
      if (std::isnan(options_.baseline) || monitor_.is_improvement(*current, options_.baseline)) {
        wait_ = 0;
      }
    } else if (wait_ >= options_.patience && result.epoch > 1) {
      training.stop(fmt::format("EarlyStopping: {} was no better for {} epoch{}", options_.monitor, wait_,
                                wait_ == 1 ? "" : "s"));
    }
  }

  void on_end(Training& training) override {
    if (!best_weights_.empty()) {
      training.set_weights(best_weights_);
    }
  }

  [[nodiscard]] CallbackState save() override {
    CallbackState state{{{"wait", static_cast<double>(wait_)}}, best_weights_};
    monitor_.save(state);
    return state;
  }

  void restore(const CallbackState& state) override {
    wait_ = count_of(state, "wait");
    monitor_.restore(state);
    best_weights_ = state.weights;
  }

 private:
  EarlyStoppingOptions options_;
  Monitor monitor_;
  std::int64_t wait_ = 0;  ///< Epochs since the last improvement.
  std::vector<float> best_weights_;
};

}  // namespace

CallbackType early_stopping_type() {
  return {{"EarlyStopping", "ends the training when a figure no longer improves", rules_of(early_stopping_options())},
          [](const OptionValues& options, const CallbackContext&) -> std::unique_ptr<Callback> {
            return std::make_unique<EarlyStopping>(read_options(early_stopping_options(), options));
          }};
}

}  // namespace lapel::training
