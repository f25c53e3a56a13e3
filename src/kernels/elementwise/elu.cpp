#include <cmath>

#include "kernels/elementwise/function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/elu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/function_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x where it is above zero, else alpha (exp(x) - 1) (Clevert et al. 2016). Both ways are computed and one is taken:
/// the exponential is of what is not above zero, so that it cannot overflow in a lane that takes the other. It is
/// expm1, for near zero the difference has no digits left.
struct EluFormula {
  float alpha;
  template <class T, class D>
  HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> x) const {
    const auto below = hn::Mul(hn::Set(d, alpha), hn::Expm1(d, hn::Min(x, hn::Zero(d))));
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), below, x);
  }
  template <class T, class D>
  HWY_INLINE hn::Vec<D> slope(D d, hn::Vec<D> x) const {
    const auto below = hn::Mul(hn::Set(d, alpha), hn::Exp(d, hn::Min(x, hn::Zero(d))));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0F), below);
  }
};

}  // namespace

void elu(const ElementwiseSpan& span) { run_formula(EluFormula{span.parameters[0]}, span); }

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(elu);

template <>
ElementwiseFunction elementwise_function<struct Elu>() {
  return {
      .name = "elu",
      .parameters = {1},
      .run =
          [](const ElementwiseSpan& span) {
            HWY_DYNAMIC_DISPATCH(elu)
            (span);
          },
      .value = [](double x,
                  const ElementwiseParameters& p) { return x > 0 ? x : static_cast<double>(p[0]) * std::expm1(x); },
      .slope = [](double x,
                  const ElementwiseParameters& p) { return x > 0 ? 1.0 : static_cast<double>(p[0]) * std::exp(x); }};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
