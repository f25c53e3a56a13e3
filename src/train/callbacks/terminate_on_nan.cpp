#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "train/callbacks/callback_factories.h"

namespace lapel::training {

namespace {

struct TerminateOnNanOptions {
  bool raise_error = false;
};

std::span<const Option<TerminateOnNanOptions>> terminate_on_nan_options() {
  static const std::array<Option<TerminateOnNanOptions>, 1> kOptions = {{
      {.key = "raise_error",
       .member = &TerminateOnNanOptions::raise_error,
       .help = "fail there, as every training does without this callback"},
  }};
  return kOptions;
}

class TerminateOnNan : public Callback {
 public:
  explicit TerminateOnNan(const TerminateOnNanOptions& options) : options_(options) {}

  void on_step(Training& training) override {
    if (!std::isfinite(training.loss()) && !options_.raise_error) {
      const Progress& at = training.progress();
      training.stop(fmt::format("TerminateOnNaN: epoch {}, step {} of {}: the loss became {}", at.epoch,
                                std::min(at.step + 1, at.steps), at.steps,
                                std::isnan(training.loss()) ? "not a number (NaN)" : "infinite"));
    }
  }

 private:
  TerminateOnNanOptions options_;
};

}  // namespace

CallbackType terminate_on_nan_type() {
  return {{"TerminateOnNaN", "ends the training where the loss is not finite, instead of failing",
           rules_of(terminate_on_nan_options())},
          [](const OptionValues& options, const CallbackContext&) -> std::unique_ptr<Callback> {
            return std::make_unique<TerminateOnNan>(read_options(terminate_on_nan_options(), options));
          }};
}

}  // namespace lapel::training
