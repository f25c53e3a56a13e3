#include <cmath>

#include "kernels/elementwise/function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/silu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/function_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x s, s = 1 / (1 + exp(-x)) (Elfwing et al. 2018), and its derivative s + x s (1 - s).
struct SiluFormula {
  template <class T, class D>
  HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> x) const {
    return hn::Mul(x, sigmoid(d, x));
  }
  template <class T, class D>
  HWY_INLINE hn::Vec<D> slope(D d, hn::Vec<D> x) const {
    const auto share = sigmoid(d, x);
    return hn::MulAdd(hn::Mul(x, share), hn::Sub(hn::Set(d, 1.0F), share), share);
  }
};

}  // namespace

void silu(const ElementwiseSpan& span) { run_formula(SiluFormula(), span); }

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(silu);

template <>
ElementwiseFunction elementwise_function<struct Silu>() {
  return {.name = "silu",
          .alias = "swish",
          .run =
              [](const ElementwiseSpan& span) {
                HWY_DYNAMIC_DISPATCH(silu)
                (span);
              },
          .value = [](double x, const ElementwiseParameters&) { return x / (1 + std::exp(-x)); },
          .slope =
              [](double x, const ElementwiseParameters&) {
                const double share = 1 / (1 + std::exp(-x));
                return share + x * share * (1 - share);
              }};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
