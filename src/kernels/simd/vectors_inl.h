// Helpers of the Highway code, compiled once for each instruction set: include it after hwy/highway.h, in every
// file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_SIMD_INL_H
#undef LAPEL_KERNELS_SIMD_INL_H
#else
#define LAPEL_KERNELS_SIMD_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "kernels/bfloat16.h"
#include "kernels/cpu.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls `body(tag, i)` for every stretch of lanes in [begin, end): whole vectors, then single lanes, so that a
/// number's result does not depend on where a range begins. (A masked tail would do the same with AVX-512; AVX2 has no
/// masked loads of bytes and 16-bit numbers, and bodies read several types.) For a body that works in place as well,
/// for no number is covered twice.
template <class F>
HWY_INLINE void for_each_vector(std::size_t begin, std::size_t end, const F& body) {
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 1> single;
  std::size_t i = begin;
  for (; i + hn::Lanes(whole) <= end; i += hn::Lanes(whole)) {
    body(whole, i);
  }
  for (; i < end; ++i) {
    body(single, i);
  }
}

/// The same for numbers of channels, of which there often are 8 beyond whole vectors (24, 40): these are a vector too.
/// Bodies mostly loop over rows or places within it, so that the tag, a constant, is chosen once for many of them.
template <class F>
HWY_INLINE void for_each_channel_vector(std::size_t channels, const F& body) {
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 8> eight;
  std::size_t i = 0;
  for (; i + hn::Lanes(whole) <= channels; i += hn::Lanes(whole)) {
    body(whole, i);
  }
  for (; i + hn::Lanes(eight) <= channels; i += hn::Lanes(eight)) {
    body(eight, i);
  }
  for_each_vector(i, channels, body);
}

/// Calls `body(tag, i)` so that all numbers of [0, count) are covered, some perhaps twice: the last vector ends where
/// they end, and fewer than a vector are covered by two of half the lanes, or of fewer still. For a body that writes
/// apart from what it reads: a row of any length then takes few vectors and no single lanes (300 numbers 19 vectors of
/// AVX-512, and not 18 and 12 lanes). A body that adds to what is there would add twice.
template <class D, class F>
HWY_INLINE void for_each_covering_vector(D d, std::size_t count, const F& body) {
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i + lanes <= count; i += lanes) {
    body(d, i);
  }
  if (count % lanes == 0) {
    return;
  }
  if (count > lanes) {
    body(d, count - lanes);
  } else if constexpr (hn::MaxLanes(D()) > 1) {
    for_each_covering_vector(hn::CappedTag<float, hn::MaxLanes(D()) / 2>(), count, body);
  }
}

template <class F>
HWY_INLINE void for_each_covering_vector(std::size_t count, const F& body) {
  for_each_covering_vector(hn::ScalableTag<float>(), count, body);
}

// Loads and stores of activations of either type, as floats: kernels are templates over T and compute in float. Any
// address will do. A bfloat16 is the upper half of the float of the same value: to widen it is a shift.
template <class D>
HWY_INLINE hn::Vec<D> load(D d, const float* from) {
  return hn::LoadU(d, from);
}

template <class D>
HWY_INLINE hn::Vec<D> load([[maybe_unused]] D d, const std::uint16_t* from) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::uint32_t, D> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, from))));
}

template <class D>
HWY_INLINE void store(D d, hn::Vec<D> value, float* to) {
  hn::StoreU(value, d, to);
}

/// As bfloat16_from_float does it: rounded to nearest, ties to even, by adding 0x7FFF and the last bit that stays,
/// which carries into it where the rest is more than half, or half of an odd number. A NaN would carry into an
/// infinity, and gets the quiet bit instead. Eleven instructions, where AVX512-BF16 has one (store_number).
template <class D>
HWY_INLINE hn::Vec<hn::Rebind<std::uint16_t, D>> narrowed([[maybe_unused]] D d, hn::Vec<D> value) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::uint32_t, D> d32;
  const hn::Rebind<std::int32_t, D> di32;
  const auto bits = hn::BitCast(d32, value);
  const auto high = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(high, hn::Set(d32, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(d32, 0x7FFF)), odd));
  const auto quiet = hn::Or(high, hn::Set(d32, 0x0040));
  const auto is_nan = hn::RebindMask(d32, hn::IsNaN(value));
  return hn::DemoteTo(d16, hn::BitCast(di32, hn::IfThenElse(is_nan, quiet, rounded)));
}

template <class D>
HWY_INLINE void store(D d, hn::Vec<D> value, std::uint16_t* to) {
  const hn::Rebind<std::uint16_t, D> d16;
  hn::StoreU(narrowed(d, value), d16, to);
}

/// Rounded to nearest even, for operators that are made only where the CPU has AVX512-BF16 if it has AVX-512. Those
/// below the normal ones may become zero.
template <class D>
HWY_INLINE void store_number([[maybe_unused]] D d, hn::Vec<D> value, std::uint16_t* to) {
#if HWY_TARGET == HWY_AVX3
  // Highway 1.0 has no function for it.
  if constexpr (hn::MaxLanes(D()) == 16) {
    __m256i narrow;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(narrow) : "v"(value.raw));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), narrow);
    return;
  } else if constexpr (hn::MaxLanes(D()) == 8) {
    __m128i narrow;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(narrow) : "v"(value.raw));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrow);
    return;
  }
#endif
  store(d, value, to);
}

template <class D>
HWY_INLINE void store_number(D d, hn::Vec<D> value, float* to) {
  store(d, value, to);
}

template <class D>
HWY_INLINE hn::Vec<D> load(D d, const RoundedBfloat16* from) {
  return load(d, &from->bits);
}

template <class D>
HWY_INLINE void store(D d, hn::Vec<D> value, RoundedBfloat16* to) {
  store_number(d, value, &to->bits);
}

/// Calls `body(type)` with a number of the type in which numbers of `dtype` are read and written here: float,
/// std::uint16_t, or RoundedBfloat16 where the CPU has it.
template <class F>
HWY_INLINE void with_type(Dtype dtype, [[maybe_unused]] bool rounds_bfloat16, const F& body) {
  if (dtype == Dtype::kFloat32) {
    return body(float());
  }
#if HWY_TARGET == HWY_AVX3
  if (rounds_bfloat16) {
    return body(RoundedBfloat16());
  }
#endif
  body(std::uint16_t());
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
