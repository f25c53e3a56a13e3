#include "kernels/elementwise/function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/relu6.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/function_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x between threshold and max_value; that where it is above; a share of what it is below the threshold (Keras's ReLU).
/// At the threshold the derivative is that below, at max_value zero. Comparisons, not Min and Max: a NaN stays one.
struct Relu6Formula {
  float max_value;
  float negative_slope;
  float threshold;
  template <class T, class D>
  HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> x) const {
    const auto least = hn::Set(d, threshold);
    const auto below = hn::Mul(hn::Set(d, negative_slope), hn::Sub(x, least));
    const auto most = hn::Set(d, max_value);
    return hn::IfThenElse(hn::Lt(x, least), below, hn::IfThenElse(hn::Gt(x, most), most, x));
  }
  template <class T, class D>
  HWY_INLINE hn::Vec<D> slope(D d, hn::Vec<D> x) const {
    const auto above = hn::IfThenElseZero(hn::Lt(x, hn::Set(d, max_value)), hn::Set(d, 1.0F));
    return hn::IfThenElse(hn::Gt(x, hn::Set(d, threshold)), above, hn::Set(d, negative_slope));
  }
};

}  // namespace

void relu6(const ElementwiseSpan& span) {
  run_formula(Relu6Formula{span.parameters[0], span.parameters[1], span.parameters[2]}, span);
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(relu6);

template <>
ElementwiseFunction elementwise_function<struct Relu6>() {
  return {.name = "relu6",
          .parameters = {6, 0, 0},
          .run =
              [](const ElementwiseSpan& span) {
                HWY_DYNAMIC_DISPATCH(relu6)
                (span);
              },
          .value =
              [](double x, const ElementwiseParameters& p) {
                const double max_value = static_cast<double>(p[0]);
                const double threshold = static_cast<double>(p[2]);
                return x < threshold ? static_cast<double>(p[1]) * (x - threshold) : x > max_value ? max_value : x;
              },
          .slope =
              [](double x, const ElementwiseParameters& p) {
                const bool above = x > static_cast<double>(p[2]);
                return !above ? static_cast<double>(p[1]) : x < static_cast<double>(p[0]) ? 1.0 : 0.0;
              }};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
