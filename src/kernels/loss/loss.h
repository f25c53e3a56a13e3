#pragma once

#include <cstdint>
#include <span>

#include "kernels/cpu.h"

namespace lapel::kernels {

/// What one batch of predictions was worth.
struct LossResult {
  double loss_sum = 0;       ///< Sum over the rows; not finite when any logit is not.
  std::int64_t correct = 0;  ///< Rows whose largest logit (the first, if several) is the largest target's.
};

/// Softmax and cross-entropy of `rows` rows of `classes` logits, with gradient.
/// The target of row i is one-hot at labels[i], smoothed as Keras does: t (1 - s) + s / classes.
/// `grad` (of dtype, rows x classes, may be null) receives (softmax - target) * grad_scale; NaN in rows that have a
/// logit that is not finite. `grad_scale` is 1 / rows for the gradient of the mean.
/// loss = -sum_k t_k log softmax_k, computed as logsumexp, so that it needs no epsilon. Labels are below `classes`: who
/// reads the data checks it. The same bits for any number of threads.
/// `row_weights`: factors of each row's loss and gradient; empty: 1.
[[nodiscard]] LossResult softmax_cross_entropy(Dtype dtype, const void* logits, std::span<const std::uint16_t> labels,
                                               std::int64_t classes, float label_smoothing, float grad_scale,
                                               void* grad, std::span<const float> row_weights = {});

/// The same with a distribution as target: `targets` is rows x classes floats (one-hot labels, mixed labels).
[[nodiscard]] LossResult softmax_cross_entropy_dense(Dtype dtype, const void* logits, std::span<const float> targets,
                                                     std::int64_t classes, float label_smoothing, float grad_scale,
                                                     void* grad, std::span<const float> row_weights = {});

/// Rows of `classes` logits (of dtype) to probabilities, rows x classes floats; NaN where a logit is not finite.
void softmax_rows(Dtype dtype, const void* logits, std::int64_t rows, std::int64_t classes, float* probabilities);

}  // namespace lapel::kernels
