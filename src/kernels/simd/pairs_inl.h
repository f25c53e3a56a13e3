// Words of two bfloat16 and their products, compiled once for each instruction set: include it after hwy/highway.h, in
// every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_PAIRS_INL_H
#undef LAPEL_KERNELS_PAIRS_INL_H
#else
#define LAPEL_KERNELS_PAIRS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// sum + a b, lane by lane, for words that are a float each (`kPairs` false) or two bfloat16, whose products are both
/// added. This one function is what float32 and bfloat16 kernels differ in: VDPBF16PS makes a product of pairs twice
/// the multiplications of a fused multiply-add. Without it (tests of other instruction sets) two of the latter do,
/// whose products of eight bits by eight are exact; the instruction takes denormals as zero, these do not.
template <bool kPairs, class V>
HWY_INLINE V multiply_add(V a, V b, V sum) {
  if constexpr (!kPairs) {
    return hn::MulAdd(a, b, sum);
  } else {
#if HWY_TARGET == HWY_AVX3
    // AVX512-BF16, for which Highway 1.0 has no function; operators of bfloat16 are made only where the CPU has it.
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return sum;
#else
    const hn::DFromV<V> d;
    const hn::RebindToUnsigned<hn::DFromV<V>> d32;
    const auto high = hn::Set(d32, 0xFFFF0000U);
    const auto bits_a = hn::BitCast(d32, a);
    const auto bits_b = hn::BitCast(d32, b);
    sum = hn::MulAdd(hn::BitCast(d, hn::ShiftLeft<16>(bits_a)), hn::BitCast(d, hn::ShiftLeft<16>(bits_b)), sum);
    return hn::MulAdd(hn::BitCast(d, hn::And(bits_a, high)), hn::BitCast(d, hn::And(bits_b, high)), sum);
#endif
  }
}

/// Words of two bfloat16, rounded as store_number does it: the first of each from `first`.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> pairs_of([[maybe_unused]] D d, hn::Vec<D> first, hn::Vec<D> second) {
  const hn::RebindToUnsigned<D> d32;
#if HWY_TARGET == HWY_AVX3
  if constexpr (hn::MaxLanes(D()) == 16) {  // AVX512-BF16, as above
    __m256i low;
    __m256i high;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(low) : "v"(first.raw));
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(high) : "v"(second.raw));
    using Words = hn::Vec<hn::RebindToUnsigned<D>>;
    return hn::Or(Words{_mm512_cvtepu16_epi32(low)}, hn::ShiftLeft<16>(Words{_mm512_cvtepu16_epi32(high)}));
  }
#endif
  return hn::Or(hn::PromoteTo(d32, narrowed(d, first)), hn::ShiftLeft<16>(hn::PromoteTo(d32, narrowed(d, second))));
}

/// The four bytes at `from`, which may lie anywhere, in every lane: a broadcasting load, which costs no shuffle.
template <class D>
HWY_INLINE hn::Vec<D> broadcast(D d, const void* from) {
  std::uint32_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), word));
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
