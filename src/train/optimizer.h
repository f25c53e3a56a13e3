#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/update.h"
#include "lapel/recipe.h"

namespace lapel::training {

/// How weights change by their gradients.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Numbers of state per weight.
  [[nodiscard]] virtual std::size_t states() const = 0;
  /// The learning rate that a schedule's factor 1 stands for.
  [[nodiscard]] virtual double learning_rate() const = 0;
  /// What one step does to every weight; `iteration` counts from 1.
  [[nodiscard]] virtual kernels::UpdateRule rule(double learning_rate, std::int64_t iteration) const = 0;
};

/// The optimizer of a spec (see options.h). Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const TypedSpec& spec);

}  // namespace lapel::training
