// The loop over a formula, for the Highway code: include it after hwy/highway.h, in every file that foreach_target.h
// repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_FUNCTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_FUNCTION_INL_H
#undef LAPEL_KERNELS_FUNCTION_INL_H
#else
#define LAPEL_KERNELS_FUNCTION_INL_H
#endif

#include <hwy/highway.h>

#include "hwy/contrib/math/math-inl.h"
#include "kernels/elementwise/function.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Forward, `formula.value<T>(d, x)` of each number x; backward, the gradient times `formula.slope<T>(d, x)`, its
/// derivative. Both are computed in float; T is the type in which numbers are stored, so that a formula may be as rough
/// as that is. A pass reads and writes each number once: it goes at the speed of memory or of the formula.
/// The formula is inlined into the loop, and what it makes of its parameters is in registers for the whole span. Single
/// numbers at the end go through it as vectors of one lane: the same bits wherever a span begins.
template <class Formula>
HWY_INLINE void run_formula(const Formula& formula, const ElementwiseSpan& span) {
  with_type(span.dtype, span.rounds_bfloat16, [&](auto number) HWY_ATTR {
    using T = decltype(number);
    const T* const input = static_cast<const T*>(span.input);
    const T* const output_grad = static_cast<const T*>(span.output_grad);
    T* const to = static_cast<T*>(span.to);
    if (output_grad == nullptr) {
      for_each_vector(span.begin, span.end, [&](auto d, std::size_t i) HWY_ATTR {
        store(d, formula.template value<T>(d, load(d, input + i)), to + i);
      });
    } else {
      for_each_vector(span.begin, span.end, [&](auto d, std::size_t i) HWY_ATTR {
        store(d, hn::Mul(load(d, output_grad + i), formula.template slope<T>(d, load(d, input + i))), to + i);
      });
    }
  });
}

/// 1 / (1 + exp(-x)), for any x.
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  // exp is of what is not above zero, so that nothing overflows.
  const auto small = hn::Exp(d, hn::Neg(hn::Abs(x)));
  const auto below = hn::Div(small, hn::Add(hn::Set(d, 1.0F), small));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), below, hn::Sub(hn::Set(d, 1.0F), below));
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
