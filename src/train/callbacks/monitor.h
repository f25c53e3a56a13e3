#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "lapel/callback.h"

namespace lapel::training {

/// Which figure of an epoch a callback looks at, and when it has become better, as Keras's callbacks see it.
struct MonitorOptions {
  std::string monitor = "val_loss";
  std::string mode = "auto";
};

class Monitor {
 public:
  Monitor(const MonitorOptions& options, double min_delta);

  /// Of an epoch; nothing where it has none.
  [[nodiscard]] std::optional<double> value(const EpochResult& result) const;
  /// Whether `value` is better than `reference` by more than min_delta; better than nothing is anything.
  [[nodiscard]] bool is_improvement(double value, std::optional<double> reference) const;
  /// Whether `value` is better than all before it; then it is the best one.
  [[nodiscard]] bool improves(double value);

  void save(CallbackState& state) const;
  void restore(const CallbackState& state);

 private:
  std::string name_;
  bool larger_is_better_;
  double min_delta_;
  std::optional<double> best_;
};

/// The lines of an options table for `T`, which derives from MonitorOptions.
template <class T>
[[nodiscard]] std::vector<Option<T>> monitor_options() {
  return {
      {.key = "monitor",
       .member = static_cast<std::string T::*>(&T::monitor),
       .help = "figure of an epoch that is looked at",
       .choices = {"val_loss", "val_accuracy", "loss", "accuracy"}},
      {.key = "mode",
       .member = static_cast<std::string T::*>(&T::mode),
       .help =
           "whether a smaller figure is better, or a larger one; \"auto\": smaller of a loss, larger of an accuracy",
       .choices = {"auto", "min", "max"}},
  };
}

}  // namespace lapel::training
