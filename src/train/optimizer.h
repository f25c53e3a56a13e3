#pragma once

#include <cstddef>
#include <memory>

#include "lapel/recipe.h"
#include "plan/parameters.h"

namespace lapel::training {

/// Changes weights by their gradients, all trainable ones in one pass.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Numbers of state per weight.
  [[nodiscard]] virtual std::size_t states() const = 0;
  /// The learning rate that a schedule's factor 1 stands for.
  [[nodiscard]] virtual double learning_rate() const = 0;
  /// One step; `iteration` counts from 1.
  virtual void update(plan::Parameters& parameters, double learning_rate, std::int64_t iteration) const = 0;
};

/// The optimizer of a spec (see options.h). Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const TypedSpec& spec);

}  // namespace lapel::training
