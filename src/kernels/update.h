#pragma once

#include <cstdint>
#include <span>

namespace lapel::kernels {

/// bfloat16 bits of floats, rounded to nearest even, NaN kept.
void to_bfloat16(std::span<const float> from, std::span<std::uint16_t> to);
void from_bfloat16(std::span<const std::uint16_t> from, std::span<float> to);

/// One stretch of the arena: equal lengths. `low` (may be empty) receives the new weights in bfloat16, in the
/// same pass. Each runs over all threads.
struct UpdateSpan {
  std::span<float> weights;
  std::span<const float> grads;
  std::span<float> state1;  ///< momentum, or Adam's m; may be empty for plain SGD
  std::span<float> state2;  ///< Adam's v; may be empty
  std::span<std::uint16_t> low;
};

/// Keras 3's SGD. momentum 0: w -= lr g. Else m = momentum m - lr g; w += m, or with nesterov
/// w += momentum m - lr g. `weight_decay` first: w -= lr * weight_decay * w.
struct SgdStep {
  float learning_rate = 0.01F;
  float momentum = 0;
  bool nesterov = false;
  float weight_decay = 0;
};
void sgd_update(const SgdStep& step, const UpdateSpan& span);
void reference_sgd_update(const SgdStep& step, const UpdateSpan& span);

/// Keras 3's Adam (Kingma & Ba 2015, with the bias corrections in alpha):
/// alpha = lr sqrt(1 - beta2^t) / (1 - beta1^t); m += (g - m)(1 - beta1); v += (g g - v)(1 - beta2);
/// w -= m alpha / (sqrt(v) + epsilon). AdamW first: w -= lr * weight_decay * w.
struct AdamStep {
  float learning_rate = 0.001F;
  double beta_1 = 0.9;  ///< double, as 1 - beta in Keras is taken before it becomes a float
  double beta_2 = 0.999;
  float epsilon = 1e-7F;
  float weight_decay = 0;
  std::int64_t iteration = 1;  ///< t, from 1
};
void adam_update(const AdamStep& step, const UpdateSpan& span);
void reference_adam_update(const AdamStep& step, const UpdateSpan& span);

}  // namespace lapel::kernels
