#pragma once

#include <cstdint>
#include <memory>

#include "lapel/recipe.h"

namespace lapel::training {

/// The learning rate over a training, as a factor of the optimizer's.
class Schedule {
 public:
  virtual ~Schedule() = default;
  /// `progress`: the share of the training that is done, in [0, 1]. `epochs`: how many it has in all (with a time
  /// budget an estimate), for warm-ups that are given in epochs.
  [[nodiscard]] virtual double factor(double progress, double epochs) const = 0;
};

/// The schedule of a spec (see options.h). With w the share of the warm-up, which is warmup_epochs / epochs or else
/// warmup_fraction, and p = (progress - w) / (1 - w) after it:
///  Constant  1.
///  Linear    alpha + (1 - alpha) (1 - p)  (Keras's PolynomialDecay of power 1).
///  Cosine    alpha + (1 - alpha) (1 + cos(pi p)) / 2  (Loshchilov & Hutter 2017, SGDR; Keras's CosineDecay).
///  Each of them rises in a straight line from 0 to 1 over the warm-up (Goyal et al. 2017).
///  OneCycle  half a cosine from initial_factor to 1 over the warm-up, then half a cosine from 1 to final_factor
///            (Smith & Topin 2018, in the form of PyTorch's OneCycleLR with anneal_strategy="cos").
/// Throws Error (kRecipe) as `resolved` does.
[[nodiscard]] std::unique_ptr<Schedule> make_schedule(const TypedSpec& spec);

}  // namespace lapel::training
