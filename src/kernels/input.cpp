#include "kernels/simd_operator.h"
#include "kernels/simd_operators.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/input.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class T>
struct ScalePixels {
  const std::uint8_t* from;
  float scale;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const hn::Rebind<std::uint8_t, D> d8;
    const hn::Rebind<std::int32_t, D> d32;
    const auto pixel = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, from + i)));
    store(d, hn::Mul(pixel, hn::Set(d, scale)), to + i);
  }
};

}  // namespace

void scale_pixels(Dtype dtype, const std::uint8_t* from, float scale, std::size_t count, void* to, std::size_t offset) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(0, count, ScalePixels<float>{from, scale, static_cast<float*>(to) + offset});
  } else {
    for_each_vector(0, count, ScalePixels<std::uint16_t>{from, scale, static_cast<std::uint16_t*>(to) + offset});
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(scale_pixels);

class InputOperator final : public SimdOperator {
 public:
  InputOperator(const InputOp& op, const BuildOptions& options) : SimdOperator(options), op_(op) {}

  void forward(const StepState& state) override {
    check_samples(state);
    const auto size = static_cast<std::size_t>(op_.size);
    // A pixel costs an eighth of what most numbers do.
    parallel_rows(options().batch, op_.size / 8, [&](std::int64_t begin, std::int64_t end) {
      for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
        HWY_DYNAMIC_DISPATCH(scale_pixels)
        (options().dtype, state.pixels + size * state.samples[row], op_.scale, size, binding().output, row * size);
      }
    });
  }
  void backward(const StepState& /*state*/) override {}

 private:
  InputOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_input_operator(const InputOp& op, const BuildOptions& options) {
  return std::make_unique<InputOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
