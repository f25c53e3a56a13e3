// Activations on vectors, for the Highway code: include it after hwy/highway.h, in every file that foreach_target.h
// repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_ACTIVATION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_ACTIVATION_INL_H
#undef LAPEL_KERNELS_ACTIVATION_INL_H
#else
#define LAPEL_KERNELS_ACTIVATION_INL_H
#endif

#include <hwy/highway.h>

#include "hwy/contrib/math/math-inl.h"
#include "kernels/ops.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Gelu and its derivative for float: y F(y) and F(y) + y F'(y), where F is the normal distribution function. By
/// Abramowitz & Stegun 1964, 7.1.26: erfc(a) = (a1 t + ... + a5 t^5) exp(-a^2) with t = 1 / (1 + p a) for a >= 0,
/// to 1.5e-7.
template <class V>
struct Normal {
  V below;    ///< F(y)
  V density;  ///< y F'(y)
};

/// Value and derivative share the exponential, which is most of the work. With a = |y| / sqrt(2), exp(-a^2) is that of
/// the density, and F of what is above zero is one less that of its negative: so no small number is a difference of
/// large ones.
template <class D>
HWY_INLINE Normal<hn::Vec<D>> normal(D d, hn::Vec<D> y) {
  constexpr float kRootHalf = 0.70710678F;
  constexpr float kDensityAtZero = 0.39894228F;
  constexpr float kFarthest = 13;  // exp(-13^2 / 2) is nearly the least float.
  const auto size = hn::Abs(y);
  const auto near = hn::IfThenElse(hn::Gt(size, hn::Set(d, kFarthest)), hn::Set(d, kFarthest), size);
  const auto exponential = hn::Exp(d, hn::Mul(hn::Mul(near, near), hn::Set(d, -0.5F)));
  const auto t = hn::Div(hn::Set(d, 1.0F), hn::MulAdd(near, hn::Set(d, 0.3275911F * kRootHalf), hn::Set(d, 1.0F)));
  auto sum = hn::Set(d, 1.061405429F / 2);
  sum = hn::MulAdd(sum, t, hn::Set(d, -1.453152027F / 2));
  sum = hn::MulAdd(sum, t, hn::Set(d, 1.421413741F / 2));
  sum = hn::MulAdd(sum, t, hn::Set(d, -0.284496736F / 2));
  sum = hn::MulAdd(sum, t, hn::Set(d, 0.254829592F / 2));
  const auto beyond = hn::Mul(hn::Mul(sum, t), exponential);
  return {hn::IfThenElse(hn::Gt(y, hn::Zero(d)), hn::Sub(hn::Set(d, 1.0F), beyond), beyond),
          hn::Mul(hn::Mul(y, exponential), hn::Set(d, kDensityAtZero))};
}

/// 1/2 + n (c[0] + c[1] n^2 + c[2] n^4 + ...) where n is y, at most `farthest` from zero. F - 1/2 and the derivative
/// of gelu less 1/2 are odd functions: half of the coefficients, and the symmetry is exact. By Horner's rule; beyond
/// `farthest` both are as near to 0 or 1 as the polynomial is anywhere.
template <class D, std::size_t kCount>
HWY_INLINE hn::Vec<D> half_and_odd(D d, hn::Vec<D> y, float farthest, const float (&c)[kCount]) {
  const auto near = hn::Min(hn::Max(y, hn::Set(d, -farthest)), hn::Set(d, farthest));
  const auto square = hn::Mul(near, near);
  auto sum = hn::Set(d, c[kCount - 1]);
  for (std::size_t i = kCount - 1; i-- > 0;) {
    sum = hn::MulAdd(sum, square, hn::Set(d, c[i]));
  }
  return hn::MulAdd(near, sum, hn::Set(d, 0.5F));
}

/// The same for bfloat16, whose own error is 2e-3: F to 6e-5 and the derivative to 3e-4, by the polynomials of least
/// greatest error up to 3.7 and 4 (bench/gelu_polynomials). A quarter of the work.
template <class D>
HWY_INLINE hn::Vec<D> rough_normal(D d, hn::Vec<D> y) {
  constexpr float kOdd[] = {3.987334669e-01F, -6.585519016e-02F, 9.406467900e-03F, -9.565785294e-04F,
                            6.402321742e-05F, -2.483594244e-06F, 4.174318846e-08F};
  return half_and_odd(d, y, 3.7F, kOdd);
}
template <class D>
HWY_INLINE hn::Vec<D> rough_gelu_slope(D d, hn::Vec<D> y) {
  constexpr float kOdd[] = {7.967216969e-01F, -2.620298266e-01F, 5.591479316e-02F, -7.687430363e-03F,
                            6.876435364e-04F, -3.845941319e-05F, 1.213799464e-06F, -1.641967629e-08F};
  return half_and_odd(d, y, 4.0F, kOdd);
}

/// The activation `kKind` of y, for activations of type T.
template <class T, ActivationKind kKind, class D>
HWY_INLINE hn::Vec<D> activated([[maybe_unused]] D d, hn::Vec<D> y) {
  if constexpr (kKind == ActivationKind::kRelu) {
    return hn::IfThenElse(hn::Lt(y, hn::Zero(d)), hn::Zero(d), y);  // Not Max: a NaN stays one.
  } else if constexpr (kKind == ActivationKind::kGelu) {
    return hn::Mul(y, sizeof(T) == sizeof(float) ? normal(d, y).below : rough_normal(d, y));
  } else {
    return y;
  }
}

/// The derivative of the activation kGelu at y.
template <class T, class D>
HWY_INLINE hn::Vec<D> gelu_slope(D d, hn::Vec<D> y) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const auto [below, density] = normal(d, y);
    return hn::Add(below, density);
  } else {
    return rough_gelu_slope(d, y);
  }
}

/// The gradient before the activation `kKind` of y, whose own gradient is `grad`.
template <class T, ActivationKind kKind, class D>
HWY_INLINE hn::Vec<D> before_activation([[maybe_unused]] D d, hn::Vec<D> grad, [[maybe_unused]] hn::Vec<D> y) {
  if constexpr (kKind == ActivationKind::kRelu) {
    return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), grad);
  } else if constexpr (kKind == ActivationKind::kGelu) {
    return hn::Mul(grad, gelu_slope<T>(d, y));
  } else {
    return grad;
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
