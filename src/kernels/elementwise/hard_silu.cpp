#include <algorithm>

#include "kernels/elementwise/function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/hard_silu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/function_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x times a line from 0 at -3 to 1 at 3 (Howard et al. 2019). Between these the derivative is x / 3 + 1/2; at -3 it is
/// zero, at 3 one. The product with x keeps a NaN, whatever the clamped line makes of it.
struct HardSiluFormula {
  template <class T, class D>
  HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> x) const {
    const auto line = hn::MulAdd(x, hn::Set(d, 1.0F / 6), hn::Set(d, 0.5F));
    return hn::Mul(x, hn::Min(hn::Max(line, hn::Zero(d)), hn::Set(d, 1.0F)));
  }
  template <class T, class D>
  HWY_INLINE hn::Vec<D> slope(D d, hn::Vec<D> x) const {
    const auto within = hn::MulAdd(x, hn::Set(d, 1.0F / 3), hn::Set(d, 0.5F));
    const auto above = hn::IfThenElse(hn::Lt(x, hn::Set(d, 3.0F)), within, hn::Set(d, 1.0F));
    return hn::IfThenElseZero(hn::Gt(x, hn::Set(d, -3.0F)), above);
  }
};

}  // namespace

void hard_silu(const ElementwiseSpan& span) { run_formula(HardSiluFormula(), span); }

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(hard_silu);

template <>
ElementwiseFunction elementwise_function<struct HardSilu>() {
  return {.name = "hard_silu",
          .alias = "hard_swish",
          .run =
              [](const ElementwiseSpan& span) {
                HWY_DYNAMIC_DISPATCH(hard_silu)
                (span);
              },
          .value = [](double x, const ElementwiseParameters&) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); },
          .slope = [](double x, const ElementwiseParameters&) { return x <= -3  ? 0.0
                                                                       : x >= 3 ? 1.0
                                                                                : x / 3 + 0.5; }};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
