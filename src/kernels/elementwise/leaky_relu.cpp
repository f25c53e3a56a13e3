#include "kernels/elementwise/function.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/leaky_relu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/function_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// x where it is above zero, else a share of it (Maas et al. 2013). At zero the derivative is the share (Keras's). A
/// NaN is not above zero and stays one.
struct LeakyReluFormula {
  float negative_slope;
  template <class T, class D>
  HWY_INLINE hn::Vec<D> value(D d, hn::Vec<D> x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, hn::Set(d, negative_slope)));
  }
  template <class T, class D>
  HWY_INLINE hn::Vec<D> slope(D d, hn::Vec<D> x) const {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), hn::Set(d, 1.0F), hn::Set(d, negative_slope));
  }
};

}  // namespace

void leaky_relu(const ElementwiseSpan& span) { run_formula(LeakyReluFormula{span.parameters[0]}, span); }

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(leaky_relu);

template <>
ElementwiseFunction elementwise_function<struct LeakyRelu>() {
  return {.name = "leaky_relu",
          .parameters = {0.2F},
          .run =
              [](const ElementwiseSpan& span) {
                HWY_DYNAMIC_DISPATCH(leaky_relu)
                (span);
              },
          .value = [](double x, const ElementwiseParameters& p) { return x > 0 ? x : x * static_cast<double>(p[0]); },
          .slope = [](double x, const ElementwiseParameters& p) { return x > 0 ? 1.0 : static_cast<double>(p[0]); }};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
