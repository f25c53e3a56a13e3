#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/update_rule.h"
#include "lapel/recipe.h"
#include "plan/parameters.h"
#include "train/options.h"

namespace lapel::training {

/// How one weight is trained.
struct WeightRole {
  double learning_rate = 1;  ///< Factor of the optimizer's.
  double weight_decay = 1;   ///< Factor of the optimizer's.
  bool matrix = false;       ///< Of two or more dimensions, and Muon may orthogonalize its steps.

  bool operator==(const WeightRole&) const = default;
};

/// How weights change by their gradients.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Numbers of state per weight.
  [[nodiscard]] virtual std::size_t states() const = 0;
  /// The learning rate that a schedule's factor 1 stands for.
  [[nodiscard]] virtual double learning_rate() const = 0;
  /// What one step does to a weight of this role; `iteration` counts from 1.
  [[nodiscard]] virtual kernels::UpdateRule rule(const WeightRole& role, double learning_rate,
                                                 std::int64_t iteration) const = 0;
};

/// One line of the table of optimizers.
struct OptimizerType {
  TypeEntry entry;
  std::unique_ptr<Optimizer> (*make)(const OptionValues& options);
};

/// The line of the table for an optimizer, defined in its file.
template <class Name>
[[nodiscard]] OptimizerType optimizer_type();

/// The optimizer of a spec (see options.h). Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const TypedSpec& spec);

/// What the steps of an optimizer do to each weight of a model, in the recipe's groups.
class WeightRules {
 public:
  /// Throws Error (kRecipe) as groups_of does. `optimizer` must outlive it.
  WeightRules(const Optimizer& optimizer, std::span<const WeightGroup> groups,
              std::span<const plan::ParameterEntry> entries);

  /// A rule for each weight, valid until the next call. Allocates nothing.
  [[nodiscard]] std::span<const kernels::UpdateRule> at(double learning_rate, std::int64_t iteration);

 private:
  const Optimizer& optimizer_;
  std::vector<WeightRole> roles_;     // each once
  std::vector<std::size_t> role_of_;  // by weight
  std::vector<kernels::UpdateRule> rules_;
};

}  // namespace lapel::training
