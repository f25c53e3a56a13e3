#include <array>

#include "kernels/update/listed.h"
#include "train/optimizer.h"
#include "train/options.h"

namespace lapel::training {

namespace {

struct Options {
  double learning_rate = 0.001;
  double rho = 0.9;
  double momentum = 0;
  double epsilon = 1e-7;
  bool centered = false;
  double weight_decay = 0;
};

std::span<const Option<Options>> table() {
  static const std::array<Option<Options>, 6> kOptions = {{
      {.key = "learning_rate",
       .member = &Options::learning_rate,
       .help = "size of a step; the largest one where a schedule changes it",
       .min = 0},
      {.key = "rho", .member = &Options::rho, .help = "share of the mean of squares that is kept", .min = 0, .max = 1},
      {.key = "momentum",
       .member = &Options::momentum,
       .help = "share of the last step that is kept",
       .min = 0,
       .max = 1},
      {.key = "epsilon",
       .member = &Options::epsilon,
       .help = "added to the mean of squares under the root",
       .min = 0,
       .above_min = true},
      {.key = "centered",
       .member = &Options::centered,
       .help = "whether the square of the gradients' mean is taken off the mean of squares"},
      {.key = "weight_decay",
       .member = &Options::weight_decay,
       .help = "each step takes learning_rate * weight_decay of every weight away",
       .min = 0},
  }};
  return kOptions;
}

class Rmsprop final : public Optimizer {
 public:
  explicit Rmsprop(const Options& options) : options_(options) {}
  [[nodiscard]] std::size_t states() const override {
    return 1 + (options_.momentum > 0 ? 1 : 0) + (options_.centered ? 1 : 0);
  }
  [[nodiscard]] double learning_rate() const override { return options_.learning_rate; }
  [[nodiscard]] kernels::UpdateRule rule(const WeightRole& role, double learning_rate,
                                         std::int64_t /*iteration*/) const override {
    const double rate = learning_rate * role.learning_rate;
    return kernels::UpdateRule(kernels::ListedRule{
        &kernels::find_listed_update("rmsprop"),
        {static_cast<float>(rate), static_cast<float>(options_.rho), static_cast<float>(options_.momentum),
         static_cast<float>(options_.epsilon), options_.centered ? 1.0F : 0.0F,
         static_cast<float>(rate * options_.weight_decay * role.weight_decay)},
        static_cast<int>(states())});
  }

 private:
  Options options_;
};

}  // namespace

template <>
OptimizerType optimizer_type<struct RmspropOptimizer>() {
  return {{"RMSprop", "steps by the root of the mean of squared gradients, Hinton 2012", rules_of(table())},
          [](const OptionValues& options) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Rmsprop>(read_options(table(), options));
          }};
}

}  // namespace lapel::training
