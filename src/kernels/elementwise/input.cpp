
#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/input.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Of floats, and of what is left behind the loops below: a byte is widened to 32 bits, converted and multiplied once.
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

// A batch of pixels is a byte each and becomes two or four: the pass is bound by what it computes for each, and by
// pictures that come from memory (StepState::next_samples).

#if HWY_TARGET == HWY_AVX3
/// Whole vectors of bfloat16 by AVX512-BF16, for which Highway 1.0 has no function; says how many numbers that were.
HWY_INLINE std::size_t scale_by_bfloat16_instructions(const std::uint8_t* from, float scale, std::size_t count,
                                                      std::uint16_t* to) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  const hn::Rebind<std::int32_t, decltype(d)> d32;
  const auto scaled = [&](std::size_t i) HWY_ATTR {
    return hn::Mul(hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, from + i))), hn::Set(d, scale));
  };
  std::size_t i = 0;
  for (; i + 2 * hn::Lanes(d) <= count; i += 2 * hn::Lanes(d)) {
    const auto low = scaled(i);
    const auto high = scaled(i + hn::Lanes(d));
    __m512i both;
    __asm__("vcvtne2ps2bf16 %1, %2, %0" : "=v"(both) : "v"(low.raw), "v"(high.raw));
    _mm512_storeu_si512(to + i, both);
  }
  return i;
}
#endif

/// Whole vectors of bfloat16; says how many numbers that were. Those at even places and those at odd ones are floats
/// side by side, whose upper halves are put together again after rounding as bfloat16_from_float does it (there is no
/// NaN): half the work of one vector of floats after the other.
HWY_INLINE std::size_t scale_pairs([[maybe_unused]] const std::uint8_t* from, [[maybe_unused]] float scale,
                                   [[maybe_unused]] std::size_t count, [[maybe_unused]] std::uint16_t* to) {
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<std::uint16_t> d16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::RebindToSigned<decltype(d32)> di32;
  const hn::RebindToFloat<decltype(d32)> df;
  const auto low = hn::Set(d32, 0xFFFF);
  const auto rounded = [&](auto pixels) HWY_ATTR {
    const auto number = hn::Mul(hn::ConvertTo(df, hn::BitCast(di32, pixels)), hn::Set(df, scale));
    const auto bits = hn::BitCast(d32, number);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
    return hn::Add(hn::Add(bits, hn::Set(d32, 0x7FFF)), odd);
  };
  for (; i + hn::Lanes(d16) <= count; i += hn::Lanes(d16)) {
    const auto pair = hn::BitCast(d32, hn::PromoteTo(d16, hn::LoadU(d8, from + i)));
    const auto even = hn::ShiftRight<16>(rounded(hn::And(pair, low)));
    const auto odd = hn::AndNot(low, rounded(hn::ShiftRight<16>(pair)));
    hn::StoreU(hn::BitCast(d16, hn::Or(even, odd)), d16, to + i);
  }
#endif
  return i;
}

}  // namespace

/// `instructions`: whether the CPU has AVX512-BF16.
void scale_pixels(Dtype dtype, [[maybe_unused]] bool instructions, const std::uint8_t* from, float scale,
                  std::size_t count, void* to, std::size_t offset) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(0, count, ScalePixels<float>{from, scale, static_cast<float*>(to) + offset});
    return;
  }
  auto* const numbers = static_cast<std::uint16_t*>(to) + offset;
#if HWY_TARGET == HWY_AVX3
  if (instructions) {
    const std::size_t done = scale_by_bfloat16_instructions(from, scale, count, numbers);
    for_each_vector(done, count, ScalePixels<RoundedBfloat16>{from, scale, static_cast<RoundedBfloat16*>(to) + offset});
    return;
  }
#endif
  for_each_vector(scale_pairs(from, scale, count, numbers), count, ScalePixels<std::uint16_t>{from, scale, numbers});
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
    // A pixel, which comes from memory, costs twice what most numbers do. The next batch's row is asked for by the
    // thread that will scale it, while it scales this one's: rows are divided in the same way in each step.
    parallel_rows(options().batch, op_.size * 2, [&](std::int64_t begin, std::int64_t end) {
      for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
        HWY_DYNAMIC_DISPATCH(scale_pixels)
        (options().dtype, cpu().fast_bfloat16, state.pixels + size * state.samples[row], op_.scale, size,
         binding().output, row * size);
        if (row < state.next_samples.size()) {
          fetch(state.pixels + size * state.next_samples[row], size);
        }
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
