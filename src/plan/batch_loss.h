#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/loss/loss.h"
#include "kernels/operator.h"
#include "plan/batch.h"
#include "plan/program.h"

namespace lapel::plan {

/// The loss of a batch, with memory for its labels and targets.
class BatchLoss {
 public:
  /// `program` must live as long as this.
  BatchLoss(const Program& program, std::int64_t batch, std::int64_t classes, kernels::Dtype dtype);

  /// Of the mean over the batch, `gradient` (as `logits`; may be null) gets the gradient of the logits. Targets are
  /// mixed as the program's operators mixed the rows of the batch in the step that `state` tells of.
  [[nodiscard]] kernels::LossResult compute(const Batch& batch, const LossRule& rule, const kernels::StepState& state,
                                            const void* logits, void* gradient);

 private:
  void fill_targets(const kernels::StepState& state);
  /// The factor of each row's loss, by its label or, with `of_targets`, by its targets; nothing: 1.
  [[nodiscard]] std::span<const float> row_weights(std::span<const float> class_weights, bool of_targets);

  kernels::Dtype dtype_;
  std::int64_t classes_;
  std::vector<const kernels::Op*> mixing_;  // operators that mix rows, and so their targets
  std::vector<Label> labels_;
  std::vector<float> targets_;
  std::vector<float> mixed_targets_;
  std::vector<float> row_weights_;
};

}  // namespace lapel::plan
