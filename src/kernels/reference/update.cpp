#include <cmath>

#include "kernels/bfloat16.h"
#include "kernels/reference/reference.h"

namespace lapel::kernels {

namespace {

void reference_store(const UpdateSpan& span, std::size_t i, double weight) {
  span.weights[i] = static_cast<float>(weight);
  if (!span.low.empty()) {
    span.low[i] = bfloat16_from_float(span.weights[i]);
  }
}

double decayed(double weight, float learning_rate, float weight_decay) {
  return weight - static_cast<double>(learning_rate) * static_cast<double>(weight_decay) * weight;
}

}  // namespace

void reference_sgd_update(const SgdRule& step, const UpdateSpan& span) {
  for (std::size_t i = 0; i < span.weights.size(); ++i) {
    const double weight = decayed(static_cast<double>(span.weights[i]), step.learning_rate, step.weight_decay);
    const double move = static_cast<double>(step.learning_rate) * static_cast<double>(span.grads[i]);
    if (step.momentum == 0) {
      reference_store(span, i, weight - move);
      continue;
    }
    const auto momentum = static_cast<double>(step.momentum);
    const double velocity = momentum * static_cast<double>(span.state1[i]) - move;
    span.state1[i] = static_cast<float>(velocity);
    reference_store(span, i, weight + (step.nesterov ? momentum * velocity - move : velocity));
  }
}

void reference_adam_update(const AdamRule& step, const UpdateSpan& span) {
  const auto t = static_cast<double>(step.iteration);
  const double alpha = static_cast<double>(step.learning_rate) * std::sqrt(1 - std::pow(step.beta_2, t)) /
                       (1 - std::pow(step.beta_1, t));
  for (std::size_t i = 0; i < span.weights.size(); ++i) {
    const double weight = decayed(static_cast<double>(span.weights[i]), step.learning_rate, step.weight_decay);
    const auto grad = static_cast<double>(span.grads[i]);
    double m = static_cast<double>(span.state1[i]);
    double v = static_cast<double>(span.state2[i]);
    m += (grad - m) * (1 - step.beta_1);
    v += (grad * grad - v) * (1 - step.beta_2);
    span.state1[i] = static_cast<float>(m);
    span.state2[i] = static_cast<float>(v);
    reference_store(span, i, weight - m * alpha / (std::sqrt(v) + static_cast<double>(step.epsilon)));
  }
}

}  // namespace lapel::kernels
