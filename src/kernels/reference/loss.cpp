#include <algorithm>
#include <cmath>

#include "kernels/reference/operators.h"
#include "kernels/reference/reference.h"

namespace lapel::kernels {

LossResult reference_softmax_cross_entropy_dense(Dtype dtype, const void* logits, std::span<const float> targets,
                                                 std::int64_t classes, float label_smoothing, float grad_scale,
                                                 void* grad, std::span<const float> row_weights) {
  const Values values(dtype, logits);
  const MutableValues grads(dtype, grad);
  const auto smoothing = static_cast<double>(label_smoothing);
  LossResult result;
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(targets.size()); row += classes) {
    const auto given = targets.subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(classes));
    const double weight =
        row_weights.empty() ? 1 : static_cast<double>(row_weights[static_cast<std::size_t>(row / classes)]);
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < classes; ++k) {
      best = values[row + k] > values[row + best] ? k : best;
    }
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) {
      sum += std::exp(values[row + k] - values[row + best]);
    }
    for (std::int64_t k = 0; k < classes; ++k) {
      const double target = static_cast<double>(given[static_cast<std::size_t>(k)]) * (1 - smoothing) +
                            smoothing / static_cast<double>(classes);
      const double log_softmax = values[row + k] - values[row + best] - std::log(sum);
      result.loss_sum -= weight * target * log_softmax;
      if (grads) {
        grads.set(row + k, weight * (std::exp(log_softmax) - target) * static_cast<double>(grad_scale));
      }
    }
    result.correct += std::max_element(given.begin(), given.end()) - given.begin() == best ? 1 : 0;
  }
  return result;
}

}  // namespace lapel::kernels
