#include "train/optimizer.h"

#include <algorithm>

#include "train/options.h"
#include "train/weight_groups.h"

namespace lapel::training {

namespace {

kernels::SgdRule sgd_rule(const SgdOptions& options, const WeightRole& role, double learning_rate) {
  return {static_cast<float>(learning_rate * role.learning_rate), static_cast<float>(options.momentum),
          options.nesterov, static_cast<float>(options.weight_decay * role.weight_decay)};
}

class Sgd : public Optimizer {
 public:
  explicit Sgd(const SgdOptions& options) : options_(options) {}
  [[nodiscard]] std::size_t states() const override { return options_.momentum == 0 ? 0 : 1; }
  [[nodiscard]] double learning_rate() const override { return options_.learning_rate; }
  [[nodiscard]] kernels::UpdateRule rule(const WeightRole& role, double learning_rate,
                                         std::int64_t /*iteration*/) const override {
    return kernels::UpdateRule(sgd_rule(options_, role, learning_rate));
  }

 private:
  SgdOptions options_;
};

class Adam : public Optimizer {
 public:
  explicit Adam(const AdamWOptions& options) : options_(options) {}
  [[nodiscard]] std::size_t states() const override { return 2; }
  [[nodiscard]] double learning_rate() const override { return options_.learning_rate; }
  [[nodiscard]] kernels::UpdateRule rule(const WeightRole& role, double learning_rate,
                                         std::int64_t iteration) const override {
    return kernels::UpdateRule(kernels::AdamRule{static_cast<float>(learning_rate * role.learning_rate),
                                                 options_.beta_1, options_.beta_2, static_cast<float>(options_.epsilon),
                                                 static_cast<float>(options_.weight_decay * role.weight_decay),
                                                 iteration});
  }

 private:
  AdamWOptions options_;
};

class Muon : public Optimizer {
 public:
  explicit Muon(const MuonOptions& options)
      : options_(options), others_{options.sgd_learning_rate, options.sgd_momentum, true, options.sgd_weight_decay} {}
  [[nodiscard]] std::size_t states() const override { return 1; }
  [[nodiscard]] double learning_rate() const override { return options_.learning_rate; }
  [[nodiscard]] kernels::UpdateRule rule(const WeightRole& role, double learning_rate,
                                         std::int64_t /*iteration*/) const override {
    if (!role.matrix) {
      // The schedule's factor is that of both.
      return kernels::UpdateRule(
          sgd_rule(others_, role, learning_rate / options_.learning_rate * options_.sgd_learning_rate));
    }
    return kernels::UpdateRule(kernels::MuonRule{static_cast<float>(learning_rate * role.learning_rate),
                                                 static_cast<float>(options_.momentum), options_.nesterov,
                                                 static_cast<float>(options_.weight_decay * role.weight_decay),
                                                 static_cast<int>(options_.ns_steps), options_.normalize_weights});
  }

 private:
  MuonOptions options_;
  SgdOptions others_;
};

}  // namespace

template <>
OptimizerType optimizer_type<struct SgdOptimizer>() {
  return {{"SGD", "stochastic gradient descent, with momentum if wanted", rules_of(sgd_options())},
          [](const OptionValues& options) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Sgd>(read_options(sgd_options(), options));
          }};
}

template <>
OptimizerType optimizer_type<struct AdamOptimizer>() {
  return {{"Adam", "Kingma & Ba 2015", rules_of(adam_options())},
          [](const OptionValues& options) -> std::unique_ptr<Optimizer> {
            const auto adam = read_options(adam_options(), options);
            return std::make_unique<Adam>(AdamWOptions{adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon, 0});
          }};
}

template <>
OptimizerType optimizer_type<struct AdamWOptimizer>() {
  return {{"AdamW", "Adam with decoupled weight decay, Loshchilov & Hutter 2019", rules_of(adamw_options())},
          [](const OptionValues& options) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Adam>(read_options(adamw_options(), options));
          }};
}

template <>
OptimizerType optimizer_type<struct MuonOptimizer>() {
  return {{"Muon", "orthogonalized momentum for matrices, Jordan et al. 2024, and SGD for the rest",
           rules_of(muon_options())},
          [](const OptionValues& options) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Muon>(read_options(muon_options(), options));
          }};
}

WeightRules::WeightRules(const Optimizer& optimizer, std::span<const WeightGroup> groups,
                         std::span<const plan::ParameterEntry> entries)
    : optimizer_(optimizer), rules_(entries.size(), optimizer.rule({}, 0, 1)) {
  const auto by_weight = groups_of(groups, entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const WeightRole role{by_weight[i].learning_rate, by_weight[i].weight_decay,
                          by_weight[i].muon && entries[i].spec.trainable && entries[i].spec.shape.size() > 1};
    const auto known = std::find(roles_.begin(), roles_.end(), role);
    role_of_.push_back(static_cast<std::size_t>(known - roles_.begin()));
    if (known == roles_.end()) {
      roles_.push_back(role);
    }
  }
}

std::span<const kernels::UpdateRule> WeightRules::at(double learning_rate, std::int64_t iteration) {
  for (std::size_t role = 0; role < roles_.size(); ++role) {
    const auto rule = optimizer_.rule(roles_[role], learning_rate, iteration);
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (role_of_[i] == role) {
        rules_[i] = rule;
      }
    }
  }
  return rules_;
}

}  // namespace lapel::training
