#pragma once

#include <array>
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
  std::span<float> state1;  ///< momentum, or Adam's m; like all state empty where the rule has none
  std::span<float> state2;  ///< Adam's v
  std::span<std::uint16_t> low;
  std::span<float> state3 = {};
};

/// Keras 3's SGD. momentum 0: w -= lr g. Else m = momentum m - lr g; w += m, or with nesterov
/// w += momentum m - lr g. `weight_decay` first: w -= lr * weight_decay * w.
struct SgdRule {
  float learning_rate = 0.01F;
  float momentum = 0;
  bool nesterov = false;
  float weight_decay = 0;
};

/// Keras 3's Adam (Kingma & Ba 2015, with the bias corrections in alpha):
/// alpha = lr sqrt(1 - beta2^t) / (1 - beta1^t); m += (g - m)(1 - beta1); v += (g g - v)(1 - beta2);
/// w -= m alpha / (sqrt(v) + epsilon). AdamW first: w -= lr * weight_decay * w.
struct AdamRule {
  float learning_rate = 0.001F;
  double beta_1 = 0.9;  ///< double, as 1 - beta in Keras is taken before it becomes a float
  double beta_2 = 0.999;
  float epsilon = 1e-7F;
  float weight_decay = 0;
  std::int64_t iteration = 1;  ///< t, from 1
};

/// Muon, for weights that are matrices; see update/muon.h.
struct MuonRule {
  float learning_rate = 0.02F;
  float momentum = 0.95F;
  bool nesterov = true;
  float weight_decay = 0;
  int steps = 5;           ///< Newton-Schulz steps.
  bool normalize = false;  ///< Bring the norm of the weights to the root of the number of outputs first.
};

struct ListedUpdate;

/// A rule of the list of update/listed.cpp: which, its numbers, and how many arrays of state it keeps.
struct ListedRule {
  const ListedUpdate* update = nullptr;
  std::array<float, 8> numbers{};
  int states = 0;
};

/// What one step of an optimizer does to a weight: a value, made once a step. Numbers below the smallest normal float,
/// into which state decays where a gradient stays zero, are taken as zero.
class UpdateRule {
 public:
  explicit UpdateRule(const SgdRule& rule) : rule_(rule) {}
  explicit UpdateRule(const AdamRule& rule);
  explicit UpdateRule(const MuonRule& rule) : rule_(rule) {}
  explicit UpdateRule(const ListedRule& rule) : rule_(rule) {}

  /// Arrays of state that it needs.
  [[nodiscard]] int states() const;
  /// Not null where the update needs the whole weight at once: then `apply` and `apply_here` have no part in it.
  [[nodiscard]] const MuonRule* muon() const { return std::get_if<MuonRule>(&rule_); }
  /// Whether kernels that make a gradient can apply it in passing. The rules of the list are passes of their own.
  [[nodiscard]] bool is_fused() const { return sgd() != nullptr || adam() != nullptr; }
  [[nodiscard]] const ListedRule* listed() const { return std::get_if<ListedRule>(&rule_); }
  [[nodiscard]] const SgdRule* sgd() const { return std::get_if<SgdRule>(&rule_); }
  [[nodiscard]] const AdamRule* adam() const { return std::get_if<AdamRule>(&rule_); }
  /// Alpha of the formula above; 0 for other optimizers.
  [[nodiscard]] float adam_alpha() const { return alpha_; }
  /// Updates a stretch over all threads. Throws Error (kInternal) where lengths differ.
  void apply(const UpdateSpan& span) const;
  /// The same on the calling thread, for kernels that have the gradient at hand; lengths are not checked. The numbers
  /// are the same, bit by bit, however the weights are divided into stretches.
  void apply_here(const UpdateSpan& span) const;

 private:
  void apply_range(const UpdateSpan& span, std::size_t begin, std::size_t end) const;

  std::variant<SgdRule, AdamRule, MuonRule, ListedRule> rule_;
  float alpha_ = 0;
};

/// Where one weight and its optimizer state lie, as stored: what is absent is null.
struct UpdateTarget {
  float* weights = nullptr;
  float* state1 = nullptr;
  float* state2 = nullptr;
  std::uint16_t* low = nullptr;  ///< Aligned as Buffer is: whole lines of it are written past the caches.
  float* state3 = nullptr;

  /// `count` numbers from number `at` on, and their gradients (may be null).
  [[nodiscard]] UpdateSpan span(std::size_t at, const float* grads, std::size_t count) const {
    const auto numbers = [&]<class T>(T* from) { return from == nullptr ? std::span<T>() : std::span<T>(from, count); };
    const auto part = [&]<class T>(T* from) { return numbers(from == nullptr ? from : from + at); };
    return {part(weights), numbers(grads), part(state1), part(state2), part(low), part(state3)};
  }
};

}  // namespace lapel::kernels
