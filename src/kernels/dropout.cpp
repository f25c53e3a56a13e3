#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "kernels/simd_operator.h"
#include "kernels/simd_operators.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd_inl.h"
#include "kernels/simd_rows.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

using Words = hn::ScalableTag<std::uint32_t>;

/// The high and low halves of the 64-bit products of lanes.
struct Halves {
  hn::Vec<Words> high;
  hn::Vec<Words> low;
};

HWY_INLINE Halves multiply(hn::Vec<Words> a, std::uint32_t factor) {
  const Words d;
  const auto b = hn::Set(d, factor);
#if HWY_TARGET == HWY_SCALAR
  const std::uint64_t product = static_cast<std::uint64_t>(hn::GetLane(a)) * hn::GetLane(b);
  return {hn::Set(d, static_cast<std::uint32_t>(product >> 32U)), hn::Set(d, static_cast<std::uint32_t>(product))};
#else
  const hn::RepartitionToWide<Words> wide;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, a))), b);
  return {hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
          hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
#endif
}

/// Philox4x32-10 (Salmon et al., SC 2011) of a vector of counters that differ in their first word: 4 numbers for
/// each, in the order of RandomStream::bits.
HWY_INLINE void philox(const PhiloxAddress& address, std::uint32_t first_block, std::uint32_t* to) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53U;
  constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57U;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;
  constexpr int kRounds = 10;
  const Words d;
  auto x0 = hn::Iota(d, first_block);
  auto x1 = hn::Set(d, address.counter[0]);
  auto x2 = hn::Set(d, address.counter[1]);
  auto x3 = hn::Set(d, address.counter[2]);
  std::uint32_t key0 = address.key[0];
  std::uint32_t key1 = address.key[1];
  for (int round = 0; round < kRounds; ++round) {
    const Halves product0 = multiply(x0, kMultiplier0);
    const Halves product1 = multiply(x2, kMultiplier1);
    x0 = hn::Xor(hn::Xor(product1.high, x1), hn::Set(d, key0));
    x1 = product1.low;
    x2 = hn::Xor(hn::Xor(product0.high, x3), hn::Set(d, key1));
    x3 = product0.low;
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  hn::StoreInterleaved4(x0, x1, x2, x3, d, to);
}

/// Writes 1 for a number that is kept, else 0.
HWY_INLINE void draw(const PhiloxAddress& address, std::uint32_t threshold, std::size_t count, std::uint8_t* kept) {
  const Words d;
  const hn::Rebind<std::int32_t, Words> signed_words;
  const hn::Rebind<std::uint8_t, Words> bytes;
  const std::size_t lanes = hn::Lanes(d);
  alignas(64) std::uint32_t numbers[4 * hn::MaxLanes(d)];
  alignas(64) std::uint8_t flags[4 * hn::MaxLanes(d)];
  for (std::size_t i = 0; i < count; i += 4 * lanes) {
    philox(address, static_cast<std::uint32_t>(i / 4), numbers);
    for (std::size_t part = 0; part < 4 * lanes; part += lanes) {
      const auto fraction = hn::BitCast(signed_words, hn::ShiftRight<8>(hn::Load(d, numbers + part)));
      const auto dropped = hn::Lt(fraction, hn::Set(signed_words, static_cast<std::int32_t>(threshold)));
      const auto one = hn::IfThenZeroElse(dropped, hn::Set(signed_words, 1));
      hn::StoreU(hn::DemoteTo(bytes, one), bytes, flags + part);
    }
    std::memcpy(kept + i, flags, HWY_MIN(count - i, 4 * lanes));
  }
}

template <class T>
struct ApplyMask {
  const T* from;
  const std::uint8_t* kept;
  float keep;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const hn::Rebind<std::uint8_t, D> d8;
    const hn::Rebind<std::int32_t, D> d32;
    const auto flag = hn::PromoteTo(d32, hn::LoadU(d8, kept + i));
    const auto mask = hn::RebindMask(d, hn::Ne(flag, hn::Zero(d32)));
    store(d, hn::IfThenElseZero(mask, hn::Div(load(d, from + i), hn::Set(d, keep))), to + i);
  }
};

}  // namespace

void draw_kept(const PhiloxAddress& address, std::uint32_t threshold, std::size_t count, std::uint8_t* kept) {
  draw(address, threshold, count, kept);
}

void apply_kept(Dtype dtype, const void* from, const std::uint8_t* kept, float keep, void* to, std::size_t begin,
                std::size_t end) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(begin, end, ApplyMask<float>{static_cast<const float*>(from), kept, keep, static_cast<float*>(to)});
  } else {
    for_each_vector(
        begin, end,
        ApplyMask<std::uint16_t>{static_cast<const std::uint16_t*>(from), kept, keep, static_cast<std::uint16_t*>(to)});
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(draw_kept);
HWY_EXPORT(apply_kept);

class DropoutOperator final : public SimdOperator {
 public:
  DropoutOperator(const DropoutOp& op, const BuildOptions& options) : SimdOperator(options), op_(op) {}

  [[nodiscard]] std::size_t saved_bytes() const override {
    return options().training ? static_cast<std::size_t>(options().batch * op_.size) : 0;
  }
  [[nodiscard]] bool in_place() const override { return true; }

  void forward(const StepState& state) override {
    if (!state.training) {
      copy(binding().inputs.at(0), binding().output, options().batch * op_.size);
      return;
    }
    check_samples(state);
    auto* kept = static_cast<std::uint8_t*>(binding().saved);
    constexpr std::int64_t kDrawCost = 8;  // Philox, against the copying of a number
    for_rows(kDrawCost, [&](std::size_t begin, std::size_t end) {
      const auto size = static_cast<std::size_t>(op_.size);
      for (std::size_t row = begin; row < end; ++row) {
        HWY_DYNAMIC_DISPATCH(draw_kept)(address(state, row), threshold(), size, kept + row * size);
      }
      apply(binding().inputs.at(0), binding().output, begin * size, end * size);
    });
  }

  void backward(const StepState& state) override {
    void* grad = input_grad();
    if (grad == nullptr) {
      return;
    }
    if (!state.training) {
      copy(binding().output_grad, grad, options().batch * op_.size);
      return;
    }
    for_rows(1, [&](std::size_t begin, std::size_t end) {
      const auto size = static_cast<std::size_t>(op_.size);
      apply(binding().output_grad, grad, begin * size, end * size);
    });
  }

 private:
  template <class F>
  void for_rows(std::int64_t cost, const F& body) const {
    parallel_rows(options().batch, op_.size * cost, [&](std::int64_t begin, std::int64_t end) {
      body(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    });
  }

  void apply(const void* from, void* to, std::size_t begin, std::size_t end) const {
    HWY_DYNAMIC_DISPATCH(apply_kept)
    (options().dtype, from, static_cast<const std::uint8_t*>(binding().saved), static_cast<float>(1 - op_.rate), to,
     begin, end);
  }

  /// uniform < rate, where uniform = k 2^-24, is k < this.
  [[nodiscard]] std::uint32_t threshold() const {
    return static_cast<std::uint32_t>(std::ceil(static_cast<double>(static_cast<float>(op_.rate)) * 0x1p24));
  }

  /// The address of RandomStream{seed, kDropout, unit, epoch, sample}.
  [[nodiscard]] PhiloxAddress address(const StepState& state, std::size_t row) const {
    constexpr std::uint32_t kUnitBits = 24;
    const auto purpose = static_cast<std::uint32_t>(RandomPurpose::kDropout);
    return {{state.samples[row], state.epoch, (purpose << kUnitBits) | op_.unit},
            {static_cast<std::uint32_t>(state.seed), static_cast<std::uint32_t>(state.seed >> 32U)}};
  }

  DropoutOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_dropout_operator(const DropoutOp& op, const BuildOptions& options) {
  return std::make_unique<DropoutOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
