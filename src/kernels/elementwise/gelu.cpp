#include <cmath>
#include <numbers>

#include "kernels/elementwise/function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/gelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/activation_inl.h"
#include "kernels/elementwise/function_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x F(x), where F is the normal distribution function (Hendrycks & Gimpel 2016). BatchNormalization has the same in
/// its own passes.
struct GeluFormula {
  template <class T, class D>
  HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> x) const {
    return activated<T, ActivationKind::kGelu>(d, x);
  }
  template <class T, class D>
  HWY_INLINE hn::Vec<D> slope(D d, hn::Vec<D> x) const {
    return gelu_slope<T>(d, x);
  }
};

}  // namespace

void gelu(const ElementwiseSpan& span) { run_formula(GeluFormula(), span); }

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(gelu);

template <>
ElementwiseFunction elementwise_function<struct Gelu>() {
  return {
      .name = "gelu",
      .run =
          [](const ElementwiseSpan& span) {
            HWY_DYNAMIC_DISPATCH(gelu)
            (span);
          },
      .value = [](double x, const ElementwiseParameters&) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); },
      .slope =
          [](double x, const ElementwiseParameters&) {
            return 0.5 * (1 + std::erf(x / std::numbers::sqrt2)) +
                   x * std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
          }};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
