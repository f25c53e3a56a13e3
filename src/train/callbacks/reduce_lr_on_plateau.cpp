#include <algorithm>

#include "train/callbacks/callback_factories.h"
#include "train/callbacks/monitor.h"

namespace lapel::training {

namespace {

struct ReduceLrOnPlateauOptions : MonitorOptions {
  double factor = 0.1;
  std::int64_t patience = 10;
  double min_delta = 1e-4;
  std::int64_t cooldown = 0;
  double min_lr = 0;
};

std::span<const Option<ReduceLrOnPlateauOptions>> reduce_lr_on_plateau_options() {
  static const std::vector<Option<ReduceLrOnPlateauOptions>> kOptions = [] {
    auto table = monitor_options<ReduceLrOnPlateauOptions>();
    table.push_back({.key = "factor",
                     .member = &ReduceLrOnPlateauOptions::factor,
                     .help = "of the learning rate",
                     .min = 0,
                     .max = 1,
                     .above_min = true,
                     .below_max = true});
    table.push_back({.key = "patience",
                     .member = &ReduceLrOnPlateauOptions::patience,
                     .help = "epochs without improvement after which the learning rate is reduced",
                     .min = 0});
    table.push_back({.key = "min_delta",
                     .member = &ReduceLrOnPlateauOptions::min_delta,
                     .help = "change that does not count as an improvement",
                     .min = 0});
    table.push_back({.key = "cooldown",
                     .member = &ReduceLrOnPlateauOptions::cooldown,
                     .help = "epochs after a reduction that are not counted",
                     .min = 0});
    table.push_back({.key = "min_lr",
                     .member = &ReduceLrOnPlateauOptions::min_lr,
                     .help = "smallest learning rate to reduce to",
                     .min = 0});
    return table;
  }();
  return kOptions;
}

/// Keras's ReduceLROnPlateau, step by step. It changes the optimizer's rate; a schedule stays a factor of that.
class ReduceLrOnPlateau : public Callback {
 public:
  explicit ReduceLrOnPlateau(const ReduceLrOnPlateauOptions& options)
      : options_(options), monitor_(options, options.min_delta) {}

  void on_epoch(Training& training) override {
    const auto current = monitor_.value(training.history().back());
    if (!current) {
      return;
    }
    if (cooldown_left_ > 0) {
      --cooldown_left_;
      wait_ = 0;
    }
    if (monitor_.improves(*current)) {
      wait_ = 0;
    } else if (cooldown_left_ == 0 && ++wait_ >= options_.patience && training.learning_rate() > options_.min_lr) {
      training.set_learning_rate(std::max(training.learning_rate() * options_.factor, options_.min_lr));
      cooldown_left_ = options_.cooldown;
      wait_ = 0;
    }
  }

  [[nodiscard]] CallbackState save() override {
    CallbackState state{{{"wait", static_cast<double>(wait_)}, {"cooldown", static_cast<double>(cooldown_left_)}}, {}};
    monitor_.save(state);
    return state;
  }

  void restore(const CallbackState& state) override {
    wait_ = count_of(state, "wait");
    cooldown_left_ = count_of(state, "cooldown");
    monitor_.restore(state);
  }

 private:
  ReduceLrOnPlateauOptions options_;
  Monitor monitor_;
  std::int64_t wait_ = 0;  ///< Epochs since the last improvement or reduction.
  std::int64_t cooldown_left_ = 0;
};

}  // namespace

CallbackType reduce_lr_on_plateau_type() {
  return {{"ReduceLROnPlateau", "reduces the learning rate when a figure no longer improves",
           rules_of(reduce_lr_on_plateau_options())},
          [](const OptionValues& options, const CallbackContext&) -> std::unique_ptr<Callback> {
            return std::make_unique<ReduceLrOnPlateau>(read_options(reduce_lr_on_plateau_options(), options));
          }};
}

}  // namespace lapel::training
