#pragma once

#include <cstdint>
#include <memory>

#include "lapel/recipe.h"

namespace lapel::training {

/// The learning rate over a training, as a factor of the optimizer's.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// `progress`: the share of all steps that are done before this one, in [0, 1).
  [[nodiscard]] virtual double factor(double progress) const = 0;
};

/// The schedule of a spec (see options.h):
///  Constant  1.
///  Cosine    rises in a straight line from 0 to 1 over the warm-up, then alpha + (1 - alpha) (1 + cos(pi p)) / 2 with
///  p
///            the share of the rest that is done (Loshchilov & Hutter 2017, SGDR; Keras's CosineDecay).
///  OneCycle  half a cosine from initial_factor to 1 over the warm-up, then half a cosine from 1 to final_factor
///            (Smith & Topin 2018, in the form of PyTorch's OneCycleLR with anneal_strategy="cos").
/// Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] std::unique_ptr<Schedule> make_schedule(const TypedSpec& spec);

}  // namespace lapel::training
