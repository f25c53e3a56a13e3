// How a dense layer's operands are brought into the order that its products read, compiled once for each instruction
// set: include it after hwy/highway.h, in every file that foreach_target.h repeats. The guard is Highway's toggle, not
// #pragma once.
#if defined(LAPEL_KERNELS_DENSE_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_DENSE_PACK_INL_H
#undef LAPEL_KERNELS_DENSE_PACK_INL_H
#else
#define LAPEL_KERNELS_DENSE_PACK_INL_H
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/dense/parts.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Words of one row, or of two rows of bfloat16 (the second may be null: zeros), where `active` (may be null) is
/// positive. Masks come from the stored output, so that backward agrees with forward in bfloat16 too. What is not
/// above zero, a NaN among it, passes no gradient.
template <class T>
struct PackRow;

template <>
struct PackRow<float> {
  const float* from;
  const float* active;
  std::uint32_t* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    auto value = load(d, from + i);
    if (active != nullptr) {
      value = hn::IfThenElseZero(hn::Gt(load(d, active + i), hn::Zero(d)), value);
    }
    const hn::Rebind<std::uint32_t, D> d32;
    hn::StoreU(hn::BitCast(d32, value), d32, to + i);
  }
};

template <>
struct PackRow<std::uint16_t> {
  std::array<const std::uint16_t*, 2> from;
  std::array<const std::uint16_t*, 2> active;
  std::uint32_t* to;

  template <class D>
  HWY_INLINE hn::Vec<hn::Rebind<std::uint32_t, D>> row(D d, std::size_t which, std::size_t i) const {
    const hn::Rebind<std::uint16_t, D> d16;
    const hn::Rebind<std::uint32_t, D> d32;
    const auto value = hn::PromoteTo(d32, hn::LoadU(d16, from[which] + i));
    if (active[which] == nullptr) {
      return value;
    }
    return hn::IfThenElseZero(hn::RebindMask(d32, hn::Gt(load(d, active[which] + i), hn::Zero(d))), value);
  }

  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const hn::Rebind<std::uint32_t, D> d32;
    const auto low = row(d, 0, i);
    const auto high = from[1] == nullptr ? hn::Zero(d32) : row(d, 1, i);
    hn::StoreU(hn::Or(low, hn::ShiftLeft<16>(high)), d32, to + i);
  }
};

/// `count` columns from `first` on of `batch` rows of `size` numbers, to rows of `width` words; zeros beyond. This is
/// the panel packing of a GEMM: a product then reads one stretch from its begin to its end, where rows of the batch lie
/// `size` numbers apart, each on a page of its own if layers are wide. In bfloat16 it also makes the pairs, of two
/// neighbouring rows, which is the order of VDPBF16PS where the batch is summed over.
template <class T>
void pack_columns(const T* from, const T* active, std::size_t size, std::size_t batch, std::size_t first,
                  std::size_t count, std::size_t width, std::uint32_t* to) {
  constexpr std::size_t kGroup = sizeof(std::uint32_t) / sizeof(T);
  for (std::size_t row = 0; row < dense_packed_rows(batch); row += kGroup, to += width) {
    if (row >= batch) {
      std::memset(to, 0, width * sizeof(std::uint32_t));
      continue;
    }
    const T* const numbers = from + row * size + first;
    const T* const positive = active == nullptr ? nullptr : active + row * size + first;
    if constexpr (kGroup == 1) {
      for_each_covering_vector(count, PackRow<float>{numbers, positive, to});
    } else {
      const bool two = row + 1 < batch;
      for_each_covering_vector(
          count, PackRow<std::uint16_t>{{numbers, two ? numbers + size : nullptr},
                                        {positive, two && positive != nullptr ? positive + size : nullptr},
                                        to});
    }
    std::memset(to + count, 0, (width - count) * sizeof(std::uint32_t));
  }
}

/// Four rows of four words, `from_row` apart, to four columns: two rounds of interleaving, of words and then of pairs
/// of words, in vectors of 128 bits whatever the instruction set.
HWY_INLINE void transpose_words(const std::uint32_t* from, std::size_t from_row, std::uint32_t* to,
                                std::size_t to_row) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < 16; ++i) {
    to[i % 4 * to_row + i / 4] = from[i / 4 * from_row + i % 4];
  }
#else
  const hn::FixedTag<std::uint32_t, 4> d;
  const hn::Repartition<std::uint64_t, decltype(d)> d64;
  const auto r0 = hn::LoadU(d, from);
  const auto r1 = hn::LoadU(d, from + from_row);
  const auto r2 = hn::LoadU(d, from + 2 * from_row);
  const auto r3 = hn::LoadU(d, from + 3 * from_row);
  const auto a = hn::BitCast(d64, hn::InterleaveLower(d, r0, r1));
  const auto b = hn::BitCast(d64, hn::InterleaveUpper(d, r0, r1));
  const auto c = hn::BitCast(d64, hn::InterleaveLower(d, r2, r3));
  const auto e = hn::BitCast(d64, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, a, c)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, a, c)), d, to + to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, b, e)), d, to + 2 * to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, b, e)), d, to + 3 * to_row);
#endif
}

/// Two rows of four pairs, each of two rows of a batch, to two rows of four pairs, each of two columns: what
/// transpose_words is for floats, of a block of 4 x 4 numbers.
HWY_INLINE void transpose_pairs(const std::uint32_t* from, std::size_t from_row, std::uint32_t* to,
                                std::size_t to_row) {
#if HWY_TARGET == HWY_SCALAR
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t even = from[i / 2 * from_row + i % 2 * 2];
    const std::uint32_t odd = from[i / 2 * from_row + i % 2 * 2 + 1];
    to[i % 2 * to_row + i / 2 * 2] = (even & 0xFFFFU) | (odd << 16U);
    to[i % 2 * to_row + i / 2 * 2 + 1] = (even >> 16U) | (odd & 0xFFFF0000U);
  }
#else
  const hn::FixedTag<std::uint32_t, 4> d;
  const hn::Repartition<std::uint8_t, decltype(d)> d8;
  const hn::Repartition<std::uint64_t, decltype(d)> d64;
  alignas(16) constexpr std::uint8_t kMiddle[16] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};
  const auto middle = hn::Load(d8, kMiddle);
  const auto a = hn::BitCast(d64, hn::TableLookupBytes(hn::BitCast(d8, hn::LoadU(d, from)), middle));
  const auto b = hn::BitCast(d64, hn::TableLookupBytes(hn::BitCast(d8, hn::LoadU(d, from + from_row)), middle));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, a, b)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, a, b)), d, to + to_row);
#endif
}

/// `rows` inputs of one panel, whose pairs are of inputs, to rows of pairs of outputs: forward sums over inputs, the
/// input's gradient over outputs, and only one of them can have its pairs stored. `width` is a multiple of twice the
/// lanes of `d`.
template <class D>
HWY_INLINE void rows_of_pairs(D d, const std::uint32_t* weights, std::size_t rows, std::size_t width,
                              std::uint32_t* to) {
  const std::size_t words = width / 2;
  for (std::size_t row = 0; row < rows; row += 2, weights += width, to += 2 * words) {
    for (std::size_t i = 0; i < words; i += hn::Lanes(d)) {
      hn::Vec<D> even;
      hn::Vec<D> odd;
      hn::LoadInterleaved2(d, weights + 2 * i, even, odd);
      const auto low = hn::Set(d, 0xFFFFU);
      hn::StoreU(hn::Or(hn::And(even, low), hn::ShiftLeft<16>(odd)), d, to + i);
      hn::StoreU(hn::Or(hn::ShiftRight<16>(even), hn::AndNot(low, odd)), d, to + words + i);
    }
  }
}

HWY_INLINE void rows_of_pairs(const std::uint32_t* weights, std::size_t rows, std::size_t width, std::uint32_t* to) {
  const hn::ScalableTag<std::uint32_t> whole;
  // 16 outputs are 8 pairs, half a vector of AVX-512: a whole one would read beyond the panel.
  const hn::CappedTag<std::uint32_t, 8> of_narrow_panels;
  if (width % (2 * hn::Lanes(whole)) == 0) {
    rows_of_pairs(whole, weights, rows, width, to);
  } else {
    rows_of_pairs(of_narrow_panels, weights, rows, width, to);
  }
}

/// Lanes of two rows in turn: the first half of both in `first`, the others in `second`. So gradients, which are summed
/// in rows of outputs, come into the order of panels of pairs without leaving registers.
template <class V>
HWY_INLINE void interleave(V even, V odd, V& first, V& second) {
#if HWY_TARGET == HWY_AVX3
  // One instruction each, for which Highway 1.0 has no function.
  const auto lower = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const auto upper = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  first = V{_mm512_permutex2var_ps(even.raw, lower, odd.raw)};
  second = V{_mm512_permutex2var_ps(even.raw, upper, odd.raw)};
#else
  const hn::DFromV<V> d;
  HWY_ALIGN float both[2 * HWY_MAX_BYTES / sizeof(float)];
  hn::StoreInterleaved2(even, odd, d, both);
  first = hn::Load(d, both);
  second = hn::Load(d, both + hn::Lanes(d));
#endif
}

/// sums[i][o] in the order of panels of pairs: rows 2k and 2k + 1 in turn, number by number. For a gradient that is
/// stored, or applied block by block; `interleave` does it for one that is applied from registers.
HWY_INLINE void interleave_rows(const float* sums, std::size_t rows, std::size_t width, float* to) {
  const hn::ScalableTag<float> d;
  for (std::size_t row = 0; row < rows; row += 2) {
    for (std::size_t o = 0; o < width; o += hn::Lanes(d)) {
      hn::StoreInterleaved2(hn::LoadU(d, sums + row * width + o), hn::LoadU(d, sums + (row + 1) * width + o), d,
                            to + row * width + 2 * o);
    }
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
