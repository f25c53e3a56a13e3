#include "kernels/dense/matrix_vector.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense/matrix_vector.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Sums that are made at once: a fused multiply-add waits four cycles for the one before it in its chain, and two can
/// start in each cycle.
constexpr std::size_t kSums = 8;

/// `kVectors` vectors of columns; where these are less than kSums, several rows at once, each with sums of its own.
/// Each weight is used once, so that there is no tile to keep: rows are read as they lie, one after another, and the
/// only aim is that loads from the cache or from memory never wait for sums.
template <std::size_t kVectors>
void multiply_stretch(const float* x, std::size_t count, const float* weights, std::size_t stride, float* to) {
  constexpr std::size_t kRows = kVectors >= kSums ? 1 : kSums / kVectors;
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sums[kRows][kVectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::Zero(d);
    }
  }
  std::size_t i = 0;
  for (; i + kRows <= count; i += kRows, weights += kRows * stride) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto factor = hn::Set(d, x[i + r]);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::MulAdd(factor, hn::LoadU(d, weights + r * stride + v * lanes), sums[r][v]);
      }
    }
  }
  for (; i < count; ++i, weights += stride) {
    const auto factor = hn::Set(d, x[i]);
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[0][v] = hn::MulAdd(factor, hn::LoadU(d, weights + v * lanes), sums[0][v]);
    }
  }
  // In the order of the rows: the tail above went into the first sums.
#pragma GCC unroll 16
  for (std::size_t v = 0; v < kVectors; ++v) {
#pragma GCC unroll 8
    for (std::size_t r = 1; r < kRows; ++r) {
      sums[0][v] = hn::Add(sums[0][v], sums[r][v]);
    }
    hn::StoreU(sums[0][v], d, to + v * lanes);
  }
}

}  // namespace

void stretch(const float* x, std::size_t count, const float* weights, std::size_t stride, std::size_t columns,
             float* to) {
  constexpr std::size_t kOne = kVectorPad / hn::MaxLanes(hn::ScalableTag<float>());  // Vectors of 16 columns.
  switch (columns / kVectorPad) {
    case 1:
      return multiply_stretch<kOne>(x, count, weights, stride, to);
    case 2:
      return multiply_stretch<2 * kOne>(x, count, weights, stride, to);
    case 3:
      return multiply_stretch<3 * kOne>(x, count, weights, stride, to);
    default:
      return multiply_stretch<4 * kOne>(x, count, weights, stride, to);
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(stretch);

void matrix_vector(const float* x, std::size_t count, const float* weights, std::size_t stride, std::size_t columns,
                   float* to) {
  HWY_DYNAMIC_DISPATCH(stretch)(x, count, weights, stride, columns, to);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
