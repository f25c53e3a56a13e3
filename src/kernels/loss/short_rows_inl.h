// The loss and the softmax of rows that are one vector each, compiled once for each instruction set: include it after
// hwy/highway.h and hwy/contrib/math/math-inl.h, in every file that foreach_target.h repeats. The guard is Highway's
// toggle, not #pragma once.
#if defined(LAPEL_KERNELS_SHORT_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_SHORT_ROWS_INL_H
#undef LAPEL_KERNELS_SHORT_ROWS_INL_H
#else
#define LAPEL_KERNELS_SHORT_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "hwy/contrib/math/math-inl.h"
#include "kernels/loss/loss.h"
#include "kernels/loss/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// `count` numbers from `from` on, no more than a vector has, then zeros; from AVX-512 on it reads nothing else.
template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const float* from, std::size_t count) {
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
}

template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const std::uint16_t* from, std::size_t count) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::uint32_t, D> d32;
  const auto numbers = hn::MaskedLoad(hn::FirstN(d16, count), d16, from);
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, numbers)));
}

/// Whether rows of so many numbers are one vector each. With AVX-512 alone: its masked loads and stores touch nothing
/// beyond a row, where AVX2 would have to copy it first, which is what tiles do.
HWY_INLINE bool is_short(std::size_t classes) {
  return HWY_TARGET <= HWY_AVX3 && classes <= hn::Lanes(hn::ScalableTag<float>());
}

/// The first `count` lanes, no more; of an instruction set that has masks.
template <class D>
HWY_INLINE void store_first(D d, hn::Vec<D> value, std::size_t count, float* to) {
  hn::BlendedStore(value, hn::FirstN(d, count), d, to);
}

template <class D>
HWY_INLINE void store_first(D d, hn::Vec<D> value, std::size_t count, std::uint16_t* to) {
  const hn::Rebind<std::uint16_t, D> d16;
  hn::BlendedStore(narrowed(d, value), hn::FirstN(d16, count), d16, to);
}

/// What loss_of_row computes, of rows that are one vector each, by the same arithmetic: so short are its steps that
/// rows overlap. A row is one long chain (maximum over lanes, exponential, sum over lanes, division), which leaves most
/// of the processor idle; the next row's is independent of it and starts meanwhile, since nothing here goes through
/// memory or branches on numbers. 32 rows take half the time of tiles.
template <class T>
class ShortRows {
 public:
  explicit ShortRows(const LossRows& rows)
      : rows_(rows),
        floor_(rows.label_smoothing / static_cast<float>(rows.classes)),
        weight_(1 - rows.label_smoothing),
        is_class_(hn::FirstN(d_, rows.classes)) {}

  /// Adds to `total` what a row's loss has beside the product of its targets' sum and the logarithm of its
  /// exponentials'.
  HWY_INLINE void operator()(std::size_t row, double& exponentials, double& targets, LossResult& total) const {
    const std::size_t classes = rows_.classes;
    const auto x = load_first(d_, static_cast<const T*>(rows_.logits) + row * classes, classes);
    const auto finite = hn::SumOfLanes(d_, hn::Mul(x, hn::Zero(d_)));  // 0, or NaN where a logit is not finite
    const auto largest = largest_class(x);
    const auto shifted = hn::Sub(x, largest);
    const auto lowest = hn::Set(d_, -110.0F);  // its exponential is 0 in float
    const auto exponential = hn::IfThenElseZero(is_class_, hn::Exp(d_, hn::Max(shifted, lowest)));
    exponentials = static_cast<double>(hn::GetLane(hn::SumOfLanes(d_, exponential)));
    const Target target = target_of(row);
    const float weight = rows_.weight_of(row);
    const auto smooth =
        hn::IfThenElseZero(is_class_, hn::MulAdd(target.numbers, hn::Set(d_, weight_), hn::Set(d_, floor_)));
    const auto dot = hn::SumOfLanes(d_, hn::IfThenElseZero(is_class_, hn::Mul(smooth, shifted)));
    if (rows_.grad != nullptr) {
      const auto inverse = hn::Add(hn::Set(d_, static_cast<float>(1 / exponentials)), finite);
      const auto grad = hn::Mul(hn::MulSub(exponential, inverse, smooth), hn::Set(d_, rows_.grad_scale * weight));
      store_first(d_, grad, classes, static_cast<T*>(rows_.grad) + row * classes);
    }
    const float nan = hn::GetLane(finite);
    const bool correct = nan == 0 && first_class(x, largest) == target.label;
    targets = static_cast<double>(weight) * static_cast<double>(hn::GetLane(hn::SumOfLanes(d_, smooth)));
    total.loss_sum += static_cast<double>(nan) - static_cast<double>(weight) * static_cast<double>(hn::GetLane(dot));
    total.correct += correct ? 1 : 0;
  }

 private:
  using D = hn::ScalableTag<float>;
  using Vector = hn::Vec<D>;

  HWY_INLINE Vector largest_class(Vector x) const {
    return hn::MaxOfLanes(d_, hn::IfThenElse(is_class_, x, hn::Set(d_, -std::numeric_limits<float>::infinity())));
  }
  HWY_INLINE std::intptr_t first_class(Vector x, Vector value) const {
    return hn::FindFirstTrue(d_, hn::And(is_class_, hn::Eq(x, value)));
  }
  /// Before smoothing, zero beyond the classes; and the class that counts as right.
  struct Target {
    Vector numbers;
    std::intptr_t label;
  };
  HWY_INLINE Target target_of(std::size_t row) const {
    if (rows_.targets != nullptr) {
      const auto numbers = load_first(d_, rows_.targets + row * rows_.classes, rows_.classes);
      return {numbers, first_class(numbers, largest_class(numbers))};
    }
    const hn::RebindToSigned<D> d32;
    const auto label = hn::Set(d32, static_cast<std::int32_t>(rows_.labels[row]));
    return {hn::IfThenElseZero(hn::RebindMask(d_, hn::Eq(hn::Iota(d32, 0), label)), hn::Set(d_, 1)),
            static_cast<std::intptr_t>(rows_.labels[row])};
  }

  const D d_;
  const LossRows rows_;
  float floor_;
  float weight_;
  hn::Mask<D> is_class_;
};

/// loss_of_row for short rows, with a vector of logarithms at a time: eight rows' sums in double wait for one. Rows
/// that are missing at the end have the sum 1 and the target 0.
template <class T>
LossResult loss_of_short_rows(const LossRows& rows, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<double> d;
  constexpr std::size_t kRows = hn::MaxLanes(d);
  const ShortRows<T> short_rows(rows);
  LossResult total;
  for (std::size_t first = begin; first < end; first += kRows) {
    alignas(64) double exponentials[kRows];
    alignas(64) double targets[kRows] = {};
    std::fill_n(exponentials, kRows, 1.0);
    for (std::size_t i = 0; i < HWY_MIN(kRows, end - first); ++i) {
      short_rows(first + i, exponentials[i], targets[i], total);
    }
    const auto logarithms = hn::Mul(hn::Load(d, targets), hn::Log(d, hn::Load(d, exponentials)));
    total.loss_sum += hn::GetLane(hn::SumOfLanes(d, logarithms));
  }
  return total;
}

/// softmax_of_rows where a row is one vector, by the same arithmetic: so short are its steps that rows overlap.
template <class T>
void softmax_of_short_rows(const T* logits, std::size_t classes, float* probabilities, std::size_t begin,
                           std::size_t end) {
  const hn::ScalableTag<float> d;
  const auto is_class = hn::FirstN(d, classes);
  const auto none = hn::Set(d, -std::numeric_limits<float>::infinity());
  const auto lowest = hn::Set(d, -110.0F);  // its exponential is 0 in float
  for (std::size_t row = begin; row < end; ++row) {
    const auto x = load_first(d, logits + row * classes, classes);
    const auto finite = hn::SumOfLanes(d, hn::Mul(x, hn::Zero(d)));  // or NaN
    const auto shifted = hn::Sub(x, hn::MaxOfLanes(d, hn::IfThenElse(is_class, x, none)));
    const auto exponential = hn::IfThenElseZero(is_class, hn::Exp(d, hn::Max(shifted, lowest)));
    const double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, exponential)));
    const auto scale = hn::Add(hn::Set(d, static_cast<float>(1 / sum)), finite);
    store_first(d, hn::Mul(exponential, scale), classes, probabilities + row * classes);
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
