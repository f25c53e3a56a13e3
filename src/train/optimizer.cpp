#include "train/optimizer.h"

#include "kernels/update.h"
#include "train/options.h"

namespace lapel::training {

namespace {

class Sgd : public Optimizer {
 public:
  explicit Sgd(const SgdOptions& options) : options_(options) {}
  [[nodiscard]] std::size_t states() const override { return options_.momentum == 0 ? 0 : 1; }
  [[nodiscard]] double learning_rate() const override { return options_.learning_rate; }
  [[nodiscard]] kernels::UpdateRule rule(double learning_rate, std::int64_t /*iteration*/) const override {
    return kernels::UpdateRule(kernels::SgdStep{static_cast<float>(learning_rate),
                                                static_cast<float>(options_.momentum), options_.nesterov,
                                                static_cast<float>(options_.weight_decay)});
  }

 private:
  SgdOptions options_;
};

class Adam : public Optimizer {
 public:
  explicit Adam(const AdamWOptions& options) : options_(options) {}
  [[nodiscard]] std::size_t states() const override { return 2; }
  [[nodiscard]] double learning_rate() const override { return options_.learning_rate; }
  [[nodiscard]] kernels::UpdateRule rule(double learning_rate, std::int64_t iteration) const override {
    return kernels::UpdateRule(kernels::AdamStep{static_cast<float>(learning_rate), options_.beta_1, options_.beta_2,
                                                 static_cast<float>(options_.epsilon),
                                                 static_cast<float>(options_.weight_decay), iteration});
  }

 private:
  AdamWOptions options_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const TypedSpec& spec) {
  const TypedSpec full = resolved("optimizer", optimizer_types(), spec);
  if (full.type == "SGD") {
    return std::make_unique<Sgd>(read_options(sgd_options(), full.options));
  }
  if (full.type == "AdamW") {
    return std::make_unique<Adam>(read_options(adamw_options(), full.options));
  }
  const auto adam = read_options(adam_options(), full.options);
  return std::make_unique<Adam>(AdamWOptions{adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon, 0});
}

}  // namespace lapel::training
