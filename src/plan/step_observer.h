#pragma once

#include <cstddef>

namespace lapel::plan {

/// The parts of a step in the order in which they run; each backward part is followed by the update of its weights,
/// where the backward part does not update them itself.
enum class StepPart { kForward, kLoss, kBackward, kUpdate };

/// Hears of each part of a step as soon as it is over, on the thread that runs it: for measurements.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  /// A step begins.
  virtual void on_begin() = 0;
  /// `instruction`: its position in `Plan::instructions()`; of the loss (in predictions: of the softmax), 0.
  virtual void on_part(StepPart part, std::size_t instruction) = 0;
};

}  // namespace lapel::plan
