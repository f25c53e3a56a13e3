#include <array>
#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Lanes of 64 bits, whose lower halves are words of Philox; what the upper halves hold has no part in it, so that
/// words of the products need not be put together anew. A vector has half as many words so, and still takes half the
/// time: cnn-5408's dropout 47 microseconds, and 91 with lanes of 32 bits.
using Lanes = hn::ScalableTag<std::uint64_t>;
using Words = hn::Vec<Lanes>;

/// The whole product of the lower halves and a factor: one instruction (PMULUDQ), which is why the lanes are of 64
/// bits.
HWY_INLINE Words multiply(Words a, std::uint32_t factor) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(Lanes(), static_cast<std::uint64_t>(static_cast<std::uint32_t>(hn::GetLane(a))) * factor);
#else
  const hn::RepartitionToNarrow<Lanes> d32;
  return hn::MulEven(hn::BitCast(d32, a), hn::Set(d32, factor));
#endif
}

/// Philox4x32-10 (Salmon et al., SC 2011) of counters that differ in their first word: the same words as Random123's,
/// as base/rng.h draws them one block at a time. A lane is a block, so that nothing crosses lanes. The keys of the ten
/// rounds are the same for all blocks of a row, and made once.
class Philox {
 public:
  explicit Philox(const PhiloxAddress& address) : counter_(address.counter) {
    constexpr std::array<std::uint32_t, 2> kWeyl{0x9E3779B9U, 0xBB67AE85U};
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      keys_[i] = address.key[i % 2] + static_cast<std::uint32_t>(i / 2) * kWeyl[i % 2];
    }
  }

  /// The four words of each block.
  HWY_INLINE std::array<Words, 4> operator()(Words blocks) const {
    const Lanes d;
    Words x0 = blocks;
    Words x1 = hn::Set(d, counter_[0]);
    Words x2 = hn::Set(d, counter_[1]);
    Words x3 = hn::Set(d, counter_[2]);
#pragma GCC unroll 10
    for (std::size_t round = 0; round < kRounds; ++round) {
      const Words product0 = multiply(x0, 0xD2511F53U);
      const Words product1 = multiply(x2, 0xCD9E8D57U);
      x0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), x1), hn::Set(d, keys_[2 * round]));
      x1 = product1;
      x2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), x3), hn::Set(d, keys_[2 * round + 1]));
      x3 = product0;
    }
    return {x0, x1, x2, x3};
  }

 private:
  static constexpr std::size_t kRounds = 10;

  std::array<std::uint32_t, 3> counter_;
  std::array<std::uint32_t, 2 * kRounds> keys_;
};

/// Writes 1 for a number that is kept, else 0: number i is word i % 4 of block i / 4, as in RandomStream::bits.
/// A block gives four flags, a byte each, which are the lower half of its lane; even blocks and odd ones make the two
/// halves, so that a stored vector of lanes is the flags of 2 x lanes blocks in their order.
HWY_INLINE void draw(const PhiloxAddress& address, std::uint32_t threshold, std::size_t count, std::uint8_t* kept) {
  const Lanes d;
  const hn::RebindToSigned<Lanes> di;
  constexpr std::size_t kBlocks = 2 * hn::MaxLanes(d);  // at a time: the even ones, and the odd ones
  constexpr std::size_t kNumbers = 4 * kBlocks;
  const Philox philox(address);
  const auto limit = hn::Set(di, static_cast<std::int64_t>(threshold));
  const auto flags_of = [&](const std::array<Words, 4>& block) HWY_ATTR {
    Words flags = hn::Zero(d);
    for (std::size_t i = 0; i < block.size(); ++i) {
      const auto fraction = hn::And(hn::ShiftRight<8>(block[i]), hn::Set(d, 0xFFFFFF));
      const auto dropped = hn::RebindMask(d, hn::Lt(hn::BitCast(di, fraction), limit));
      flags = hn::Or(flags, hn::IfThenZeroElse(dropped, hn::Set(d, std::uint64_t{1} << (8 * i))));
    }
    return flags;
  };
  alignas(64) std::uint64_t flags[hn::MaxLanes(d)];
  Words even = hn::ShiftLeft<1>(hn::Iota(d, 0));
  for (std::size_t i = 0; i < count; i += kNumbers) {
    const Words low = flags_of(philox(even));
    const Words high = flags_of(philox(hn::Add(even, hn::Set(d, 1))));
    hn::Store(hn::Or(low, hn::ShiftLeft<32>(high)), d, flags);
    if (i + kNumbers <= count) {
      std::memcpy(kept + i, flags, kNumbers);
    } else {
      std::memcpy(kept + i, flags, count - i);
    }
    even = hn::Add(even, hn::Set(d, kBlocks));
  }
}

/// Kept numbers are divided by 1 - rate (inverted dropout): the expectation stays, and evaluation is the identity.
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
    const auto flag = hn::PromoteTo(d32, hn::LoadU(d8, kept + i));  // A byte for each number, as a lane.
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

/// Sample s drops the same numbers in whatever row of whatever batch it is: the stream is the sample's. Flags are saved
/// from forward to backward, which gives the gradient to the same numbers.
class DropoutOperator final : public SimdOperator {
 public:
  DropoutOperator(const DropoutOp& op, const BuildOptions& options) : SimdOperator(options), op_(op) {}

  [[nodiscard]] std::size_t saved_bytes() const override {
    return options().training ? static_cast<std::size_t>(options().batch * op_.size) : 0;
  }

  void forward(const StepState& state) override {
    if (!state.training) {
      copy(binding().inputs.at(0), binding().output, options().batch * op_.size);
      return;
    }
    check_samples(state);
    auto* kept = static_cast<std::uint8_t*>(binding().saved);
    // A row is drawn and applied by one thread, while its flags are near.
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

  /// uniform < rate, where uniform = k 2^-24, is k < this: integers are compared, and no number is converted.
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
