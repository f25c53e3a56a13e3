#include "plan/batch_loss.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/augment/mixing.h"

namespace lapel::plan {

BatchLoss::BatchLoss(const Program& program, std::int64_t batch, std::int64_t classes, kernels::Dtype dtype)
    : dtype_(dtype),
      classes_(classes),
      labels_(static_cast<std::size_t>(batch)),
      targets_(static_cast<std::size_t>(batch * classes)),
      row_weights_(static_cast<std::size_t>(batch)) {
  for (const Instruction& instruction : program.instructions) {
    if (kernels::mixes_targets(instruction.op)) {
      mixing_.push_back(&instruction.op);
      mixed_targets_.resize(targets_.size());
    }
  }
}

kernels::LossResult BatchLoss::compute(const Batch& batch, const LossRule& rule, const kernels::StepState& state,
                                       const void* logits, void* gradient) {
  const float scale = 1.0F / static_cast<float>(labels_.size());
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    labels_[row] = batch.labels[batch.samples[row]];
  }
  if (!rule.one_hot && mixing_.empty()) {
    return kernels::softmax_cross_entropy(dtype_, logits, labels_, classes_, rule.label_smoothing, scale, gradient,
                                          row_weights(rule.class_weights, false));
  }
  fill_targets(state);
  return kernels::softmax_cross_entropy_dense(dtype_, logits, targets_, classes_, rule.label_smoothing, scale, gradient,
                                              row_weights(rule.class_weights, true));
}

std::span<const float> BatchLoss::row_weights(std::span<const float> class_weights, bool of_targets) {
  if (class_weights.empty()) {
    return {};
  }
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    const auto targets = std::span(targets_).subspan(row * class_weights.size(), class_weights.size());
    row_weights_[row] = of_targets ? std::inner_product(targets.begin(), targets.end(), class_weights.begin(), 0.0F)
                                   : class_weights[labels_[row]];
  }
  return row_weights_;
}

/// One-hot, then as operators mixed the rows that they belong to.
void BatchLoss::fill_targets(const kernels::StepState& state) {
  std::fill(targets_.begin(), targets_.end(), 0.0F);
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    targets_[row * static_cast<std::size_t>(classes_) + labels_[row]] = 1.0F;
  }
  for (const kernels::Op* op : mixing_) {
    kernels::mix_targets(*op, state, classes_, targets_, mixed_targets_);
    std::swap(targets_, mixed_targets_);
  }
}

}  // namespace lapel::plan
