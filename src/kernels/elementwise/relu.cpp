#include "kernels/elementwise/relu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/relu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class T>
struct BehindRelu {
  const T* output;
  const T* output_grad;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const auto passed = hn::Gt(load(d, output + i), hn::Zero(d));
    store(d, hn::IfThenElseZero(passed, load(d, output_grad + i)), to + i);
  }
};

/// As integers, positive bfloat16 are those above 0, and NaNs those above infinity's 0x7F80: bfloat16 needs no
/// conversion, and a vector has twice as many. A NaN of the output passes nothing, as in floats.
struct BehindReluBfloat16 {
  const std::uint16_t* output;
  const std::uint16_t* output_grad;
  std::uint16_t* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const hn::RebindToSigned<D> di;
    const auto bits = hn::BitCast(di, hn::LoadU(d, output + i));
    const auto passed =
        hn::And(hn::Gt(bits, hn::Zero(di)), hn::Lt(bits, hn::Set(di, std::int16_t{0x7F81})));  // not above infinity
    hn::StoreU(hn::IfThenElseZero(hn::RebindMask(d, passed), hn::LoadU(d, output_grad + i)), d, to + i);
  }
};

}  // namespace

void relu_backward_range(Dtype dtype, const ReluBackward& relu, std::size_t begin, std::size_t end) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(begin, end,
                    BehindRelu<float>{static_cast<const float*>(relu.output),
                                      static_cast<const float*>(relu.output_grad), static_cast<float*>(relu.to)});
    return;
  }
  const BehindReluBfloat16 body{static_cast<const std::uint16_t*>(relu.output),
                                static_cast<const std::uint16_t*>(relu.output_grad),
                                static_cast<std::uint16_t*>(relu.to)};
  const hn::ScalableTag<std::uint16_t> whole;
  const hn::CappedTag<std::uint16_t, 1> single;
  std::size_t i = begin;
  for (; i + hn::Lanes(whole) <= end; i += hn::Lanes(whole)) {
    body(whole, i);
  }
  for (; i < end; ++i) {
    body(single, i);
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "kernels/simd/ranges.h"

namespace lapel::kernels {

namespace {

HWY_EXPORT(relu_backward_range);

}  // namespace

void relu_backward(Dtype dtype, const ReluBackward& relu, std::int64_t count) {
  parallel_numbers(count, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(relu_backward_range)
    (dtype, relu, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
  });
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
