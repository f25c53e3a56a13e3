#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

namespace lapel::kernels {

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

/// Muon, for weights that are matrices; see update/muon.h.
struct MuonStep {
  float learning_rate = 0.02F;
  float momentum = 0.95F;
  bool nesterov = true;
  float weight_decay = 0;
  int steps = 5;           ///< Newton-Schulz steps.
  bool normalize = false;  ///< Bring the norm of the weights to the root of the number of outputs first.
};

/// What one step of an optimizer does to a weight: a value, made once a step. Numbers below the smallest normal float,
/// into which state decays where a gradient stays zero, are taken as zero.
class UpdateRule {
 public:
  explicit UpdateRule(const SgdStep& step) : step_(step) {}
  explicit UpdateRule(const AdamStep& step);
  explicit UpdateRule(const MuonStep& step) : step_(step) {}

  /// Arrays of state that it needs.
  [[nodiscard]] int states() const;
  /// Not null where the update needs the whole weight at once: then `apply` and `apply_here` have no part in it.
  [[nodiscard]] const MuonStep* muon() const { return std::get_if<MuonStep>(&step_); }
  [[nodiscard]] const SgdStep* sgd() const { return std::get_if<SgdStep>(&step_); }
  [[nodiscard]] const AdamStep* adam() const { return std::get_if<AdamStep>(&step_); }
  /// Alpha of the formula above; 0 for other optimizers.
  [[nodiscard]] float adam_alpha() const { return alpha_; }
  /// Updates a stretch over all threads. Throws Error (kInternal) where lengths differ.
  void apply(const UpdateSpan& span) const;
  /// The same on the calling thread, for kernels that have the gradient at hand; lengths are not checked. The numbers
  /// are the same, bit by bit, however the weights are divided into stretches.
  void apply_here(const UpdateSpan& span) const;

 private:
  void apply_range(const UpdateSpan& span, std::size_t begin, std::size_t end) const;

  std::variant<SgdStep, AdamStep, MuonStep> step_;
  float alpha_ = 0;
};

/// Where one weight and its optimizer state lie, as stored: what is absent is null.
struct UpdateTarget {
  float* weights = nullptr;
  float* state1 = nullptr;
  float* state2 = nullptr;
  std::uint16_t* low = nullptr;  ///< Aligned as Buffer is: whole lines of it are written past the caches.

  /// `count` numbers from number `at` on, and their gradients (may be null).
  [[nodiscard]] UpdateSpan span(std::size_t at, const float* grads, std::size_t count) const {
    const auto numbers = [&]<class T>(T* from) { return from == nullptr ? std::span<T>() : std::span<T>(from, count); };
    const auto part = [&]<class T>(T* from) { return numbers(from == nullptr ? from : from + at); };
    return {part(weights), numbers(grads), part(state1), part(state2), part(low)};
  }
};

}  // namespace lapel::kernels
