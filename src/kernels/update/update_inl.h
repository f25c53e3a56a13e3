// What an optimizer does to a vector of weights, compiled once for each instruction set: include it after
// hwy/highway.h, in every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
//
// Each update is a value with `apply(d, grad, span, i)`, for vectors of any length: the same code as a pass over arrays
// and, inlined, in a kernel that has the gradient in registers. Every number goes through the same operations whatever
// the vector's length, so that bits do not depend on where a stretch begins. Multiply-adds are fused, where Keras
// rounds the product: the results differ by a rounding.
#if defined(LAPEL_KERNELS_UPDATE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_UPDATE_INL_H
#undef LAPEL_KERNELS_UPDATE_INL_H
#else
#define LAPEL_KERNELS_UPDATE_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "kernels/simd/vectors_inl.h"
#include "kernels/update_rule.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// w -= lr weight_decay w (where kDecays); w -= lr g. No state.
/// Where weights do not decay, nothing is spent on it: beside a short product each instruction counts.
template <bool kDecays>
struct PlainSgd {
  static constexpr std::size_t kStates = 0;
  SgdRule rule;
  /// Lanes of `span` from `i` on, whose gradient is `grad`. Returns the new weights, stored, but not in bfloat16.
  template <class D>
  HWY_INLINE hn::Vec<D> apply(D d, hn::Vec<D> grad, const UpdateSpan& span, std::size_t i) const {
    auto weight = load(d, span.weights.data() + i);
    if constexpr (kDecays) {
      weight = hn::NegMulAdd(hn::Set(d, rule.learning_rate * rule.weight_decay), weight, weight);
    }
    const auto changed = hn::NegMulAdd(hn::Set(d, rule.learning_rate), grad, weight);
    store(d, changed, span.weights.data() + i);
    return changed;
  }
};

/// The velocity is Keras's, with the learning rate within it: m = momentum m - lr g; w += m, or with nesterov
/// w += momentum m - lr g. State 1 is m.
struct MomentumSgd {
  static constexpr std::size_t kStates = 1;
  SgdRule rule;
  template <class D>
  HWY_INLINE hn::Vec<D> apply(D d, hn::Vec<D> grad, const UpdateSpan& span, std::size_t i) const {
    const auto momentum = hn::Set(d, rule.momentum);
    const auto weight = load(d, span.weights.data() + i);
    const auto decayed = hn::NegMulAdd(hn::Set(d, rule.learning_rate * rule.weight_decay), weight, weight);
    const auto move = hn::Mul(hn::Set(d, rule.learning_rate), grad);
    const auto velocity = hn::MulSub(momentum, load(d, span.state1.data() + i), move);
    store(d, velocity, span.state1.data() + i);
    const auto change = rule.nesterov ? hn::MulSub(momentum, velocity, move) : velocity;
    const auto changed = hn::Add(decayed, change);
    store(d, changed, span.weights.data() + i);
    return changed;
  }
};

/// m += (g - m)(1 - beta_1); v += (g g - v)(1 - beta_2); w -= alpha m / (sqrt(v) + epsilon), alpha with both bias
/// corrections. States 1 and 2 are m and v. The root and the division are exact, as Keras's are: no approximations.
struct Adam {
  static constexpr std::size_t kStates = 2;
  float decay;
  float alpha;
  float rest_1;  ///< 1 - beta_1
  float rest_2;
  float epsilon;
  Adam(const AdamRule& rule, float bias_corrected_rate)
      : decay(rule.learning_rate * rule.weight_decay),
        alpha(bias_corrected_rate),
        rest_1(static_cast<float>(1 - rule.beta_1)),
        rest_2(static_cast<float>(1 - rule.beta_2)),
        epsilon(rule.epsilon) {}
  template <class D>
  HWY_INLINE hn::Vec<D> apply(D d, hn::Vec<D> grad, const UpdateSpan& span, std::size_t i) const {
    const auto weight = load(d, span.weights.data() + i);
    const auto decayed = hn::NegMulAdd(hn::Set(d, decay), weight, weight);
    const auto m = load(d, span.state1.data() + i);
    const auto v = load(d, span.state2.data() + i);
    const auto new_m = hn::MulAdd(hn::Sub(grad, m), hn::Set(d, rest_1), m);
    const auto new_v = hn::MulAdd(hn::MulSub(grad, grad, v), hn::Set(d, rest_2), v);
    store(d, new_m, span.state1.data() + i);
    store(d, new_v, span.state2.data() + i);
    const auto move = hn::Div(hn::Mul(new_m, hn::Set(d, alpha)), hn::Add(hn::Sqrt(new_v), hn::Set(d, epsilon)));
    const auto changed = hn::Sub(decayed, move);
    store(d, changed, span.weights.data() + i);
    return changed;
  }
};

/// Calls `body` with the update of `rule`, one of those above (UpdateRule::is_fused). Once for a whole stretch or
/// product: within it the update is a constant type, and its numbers are in registers.
template <class F>
HWY_INLINE void with_update(const UpdateRule& rule, const F& body) {
  if (const SgdRule* const sgd = rule.sgd()) {
    if (sgd->momentum != 0) {
      body(MomentumSgd{*sgd});
    } else if (sgd->weight_decay != 0) {
      body(PlainSgd<true>{*sgd});
    } else {
      body(PlainSgd<false>{*sgd});
    }
  } else {
    body(Adam(*rule.adam(), rule.adam_alpha()));
  }
}

/// Numbers [begin, end) of `span`, as a pass of its own: bound by memory. Adam reads and writes weight, m and v (24
/// bytes) and reads the gradient (4); the copy in bfloat16 is written in the same pass, while the weight is at hand.
template <class Update>
HWY_INLINE void update_range(const Update& update, const UpdateSpan& span, std::size_t begin, std::size_t end) {
  for_each_vector(begin, end, [&](auto d, std::size_t i) HWY_ATTR {
    const auto changed = update.apply(d, load(d, span.grads.data() + i), span, i);
    if (!span.low.empty()) {
      store(d, changed, span.low.data() + i);
    }
  });
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
