#include "kernels/loss/loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/loss/loss.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "hwy/contrib/math/math-inl.h"
#include "kernels/loss/rows.h"
#include "kernels/loss/short_rows_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// The part of a row that is worked on at once, copied to be padded to whole vectors: so all that follows is whole
/// vectors, for any number of classes and either type, and the copy of a tile (256 bytes) never leaves the first cache.
constexpr std::size_t kTile = 64;

template <class From, class To>
struct CopyNumbers {
  const From* from;
  To* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    store(d, load(d, from + i), to + i);
  }
};

/// The softmax of one row of `classes` logits, a tile at a time: exp(x - max) / sum of these. With the maximum taken
/// off, no exponential overflows and the sum is 1 at least.
///
/// Exponentials are computed where they are needed, for the sum and again for the gradient, and not stored: rows of up
/// to 64 classes are one tile that stays at hand, and longer ones are rare.
template <class T>
class SoftmaxRow {
 public:
  SoftmaxRow(const T* logits, std::size_t classes) : logits_(logits), classes_(classes) {
    auto largest = hn::Set(d_, -std::numeric_limits<float>::infinity());
    auto finite = hn::Zero(d_);
    for (std::size_t begin = 0; begin < classes_; begin += kTile) {
      read(begin);
      for (std::size_t i = 0; i < count_; i += hn::Lanes(d_)) {
        const auto x = hn::Load(d_, x_ + i);
        largest = hn::Max(largest, x);
        finite = hn::MulAdd(x, hn::Zero(d_), finite);  // 0 x is NaN for a NaN and for an infinity, else 0.
      }
    }
    largest_ = hn::GetLane(hn::MaxOfLanes(d_, largest));
    finite_ = hn::GetLane(hn::SumOfLanes(d_, finite));
  }

  [[nodiscard]] std::size_t classes() const { return classes_; }
  /// 0, or NaN where any logit is not finite.
  [[nodiscard]] float finite() const { return finite_; }
  /// The position of the first of the largest logits; of finite ones.
  [[nodiscard]] std::size_t best() const { return best_; }

  /// Reads the tile at `begin`, unless it is the one that is at hand. Padded with its first number, which changes
  /// neither the largest nor whether all are finite.
  void read(std::size_t begin) {
    if (begin == begin_) {
      return;
    }
    begin_ = begin;
    count_ = HWY_MIN(kTile, classes_ - begin);
    for_each_channel_vector(count_, CopyNumbers<T, float>{logits_ + begin, x_});
    for (std::size_t i = count_; i % hn::Lanes(d_) != 0; ++i) {
      x_[i] = x_[0];
    }
  }

  /// Numbers in the tile at hand.
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Logits i, i + 1, ... of the tile less the row's largest one.
  [[nodiscard]] auto shifted(std::size_t i) const { return hn::Sub(hn::Load(d_, x_ + i), hn::Set(d_, largest_)); }

  /// Their exponentials, 0 in the padding.
  [[nodiscard]] auto exponential(std::size_t i) const {
    const auto lowest = hn::Set(d_, -110.0F);  // its exponential is 0 in float
    return hn::IfThenElseZero(hn::FirstN(d_, count_ - i), hn::Exp(d_, hn::Max(shifted(i), lowest)));
  }

  /// Notes the place of the largest logit if it is in the tile and none was before.
  void find_best() {
    for (std::size_t i = 0; best_ == kNone && i < count_; i += hn::Lanes(d_)) {
      const auto place = hn::FindFirstTrue(d_, hn::Eq(hn::Load(d_, x_ + i), hn::Set(d_, largest_)));
      best_ = place < 0 ? kNone : begin_ + i + static_cast<std::size_t>(place);
    }
  }

  /// The sum of the exponentials; at least 1 where all are finite.
  [[nodiscard]] double sum() {
    double total = 0;
    for (std::size_t begin = 0; begin < classes_; begin += kTile) {
      read(begin);
      auto sums = hn::Zero(d_);
      for (std::size_t i = 0; i < count_; i += hn::Lanes(d_)) {
        sums = hn::Add(sums, exponential(i));
      }
      total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d_, sums)));
    }
    return total;
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  const hn::ScalableTag<float> d_;
  const T* logits_;
  std::size_t classes_;
  std::size_t begin_ = kNone;
  std::size_t count_ = 0;
  std::size_t best_ = kNone;
  float largest_ = 0;
  float finite_ = 0;
  alignas(64) float x_[kTile];
};

/// The smoothed target of one row, t (1 - s) + s / classes, a tile at a time; 0 in the padding. One-hot targets are
/// made on the way, as a comparison with the class number, and never stored as rows.
class TargetRow {
 public:
  TargetRow(const LossRows& rows, std::size_t row)
      : dense_(rows.targets == nullptr ? nullptr : rows.targets + row * rows.classes),
        label_(dense_ == nullptr ? rows.labels[row] : first_largest(dense_, rows.classes)),
        floor_(rows.label_smoothing / static_cast<float>(rows.classes)),
        weight_(1 - rows.label_smoothing) {}

  [[nodiscard]] std::size_t label() const { return label_; }

  /// Numbers [begin, begin + count) of the row.
  void read(std::size_t begin, std::size_t count) {
    const hn::ScalableTag<float> d;
    if (dense_ != nullptr) {
      for (std::size_t i = 0; i < count; ++i) {
        t_[i] = dense_[begin + i] * weight_ + floor_;
      }
      for (std::size_t i = count; i % hn::Lanes(d) != 0; ++i) {
        t_[i] = 0;
      }
      return;
    }
    // Whole vectors, which can be loaded as soon as they are stored.
    const hn::RebindToSigned<decltype(d)> d32;
    const auto label = hn::Set(d32, static_cast<std::int32_t>(label_) - static_cast<std::int32_t>(begin));
    for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
      const auto here = hn::RebindMask(d, hn::Eq(hn::Iota(d32, static_cast<std::int32_t>(i)), label));
      const auto target = hn::IfThenElse(here, hn::Set(d, floor_ + weight_), hn::Set(d, floor_));
      hn::Store(hn::IfThenElseZero(hn::FirstN(d, count - i), target), d, t_ + i);
    }
  }

  [[nodiscard]] auto at(std::size_t i) const { return hn::Load(hn::ScalableTag<float>(), t_ + i); }

 private:
  static std::size_t first_largest(const float* values, std::size_t count) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < count; ++i) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  const float* dense_;
  std::size_t label_;
  float floor_;
  float weight_;
  alignas(64) float t_[kTile];
};

/// The derivative of the loss by the logits is softmax - target where the targets' sum is 1, as labels, mixtures of
/// them and smoothing leave it.
template <class T>
void write_grad(SoftmaxRow<T>& softmax, TargetRow& target, float inverse_sum, float grad_scale, T* grad) {
  const hn::ScalableTag<float> d;
  alignas(64) float tile[kTile];
  for (std::size_t begin = 0; begin < softmax.classes(); begin += kTile) {
    softmax.read(begin);
    if (softmax.classes() > kTile) {  // Else its only tile is at hand from before.
      target.read(begin, softmax.count());
    }
    for (std::size_t i = 0; i < softmax.count(); i += hn::Lanes(d)) {
      const auto difference = hn::MulSub(softmax.exponential(i), hn::Set(d, inverse_sum), target.at(i));
      hn::Store(hn::Mul(difference, hn::Set(d, grad_scale)), d, tile + i);
    }
    for_each_channel_vector(softmax.count(), CopyNumbers<float, T>{tile, grad + begin});
  }
}

/// loss = T log S - sum of t x', with x' = x - max, S the sum of exp(x') and T that of t. A row with a logit that is
/// not finite has the loss NaN, which reaches whoever watches the training, and counts as wrong.
template <class T>
LossResult loss_of_row(const LossRows& rows, std::size_t row) {
  const hn::ScalableTag<float> d;
  SoftmaxRow<T> softmax(static_cast<const T*>(rows.logits) + row * rows.classes, rows.classes);
  TargetRow target(rows, row);
  double sum = 0;
  double dot = 0;
  double target_sum = 0;
  for (std::size_t begin = 0; begin < rows.classes; begin += kTile) {
    softmax.read(begin);
    softmax.find_best();
    target.read(begin, softmax.count());
    auto sums = hn::Zero(d);
    auto dots = hn::Zero(d);
    auto target_sums = hn::Zero(d);
    for (std::size_t i = 0; i < softmax.count(); i += hn::Lanes(d)) {
      sums = hn::Add(sums, softmax.exponential(i));
      dots = hn::MulAdd(target.at(i), softmax.shifted(i), dots);
      target_sums = hn::Add(target_sums, target.at(i));
    }
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
    dot += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, dots)));
    target_sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, target_sums)));
  }
  const float weight = rows.weight_of(row);
  if (rows.grad != nullptr) {
    write_grad(softmax, target, static_cast<float>(1 / sum) + softmax.finite(), rows.grad_scale * weight,
               static_cast<T*>(rows.grad) + row * rows.classes);
  }
  const bool correct = softmax.finite() == 0 && softmax.best() == target.label();
  const double loss = static_cast<double>(weight) * (target_sum * std::log(sum) - dot);
  return {loss + static_cast<double>(softmax.finite()), correct ? 1 : 0};
}

/// Rows in their order; losses are added in double.
template <class T>
LossResult loss_of_rows(const LossRows& rows, std::size_t begin, std::size_t end) {
  if (is_short(rows.classes)) {
    return loss_of_short_rows<T>(rows, begin, end);
  }
  LossResult total;
  for (std::size_t row = begin; row < end; ++row) {
    const LossResult one = loss_of_row<T>(rows, row);
    total.loss_sum += one.loss_sum;
    total.correct += one.correct;
  }
  return total;
}

/// Two passes over a row's tiles: the sum, then the probabilities. Of a single tile the second one reads nothing again.
template <class T>
void softmax_of_rows(const T* logits, std::size_t classes, float* probabilities, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<float> d;
  if (is_short(classes)) {
    softmax_of_short_rows(logits, classes, probabilities, begin, end);
    return;
  }
  alignas(64) float tile[kTile];
  for (std::size_t row = begin; row < end; ++row) {
    SoftmaxRow<T> softmax(logits + row * classes, classes);
    const auto scale = hn::Set(d, static_cast<float>(1 / softmax.sum()) + softmax.finite());
    for (std::size_t first = 0; first < classes; first += kTile) {
      softmax.read(first);
      for (std::size_t i = 0; i < softmax.count(); i += hn::Lanes(d)) {
        hn::Store(hn::Mul(softmax.exponential(i), scale), d, tile + i);
      }
      for_each_channel_vector(softmax.count(), CopyNumbers<float, float>{tile, probabilities + row * classes + first});
    }
  }
}

}  // namespace

LossResult loss_range(const LossRows& rows, std::size_t begin, std::size_t end) {
  return rows.dtype == Dtype::kFloat32 ? loss_of_rows<float>(rows, begin, end)
                                       : loss_of_rows<std::uint16_t>(rows, begin, end);
}

void softmax_range(Dtype dtype, const void* logits, std::size_t classes, float* probabilities, std::size_t begin,
                   std::size_t end) {
  if (dtype == Dtype::kFloat32) {
    softmax_of_rows(static_cast<const float*>(logits), classes, probabilities, begin, end);
  } else {
    softmax_of_rows(static_cast<const std::uint16_t*>(logits), classes, probabilities, begin, end);
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <array>

#include "kernels/simd/ranges.h"

namespace lapel::kernels {

namespace {

HWY_EXPORT(loss_range);
HWY_EXPORT(softmax_range);

/// In numbers of elementwise work (kNumbersPerThread). A number costs an exponential, and more.
constexpr std::int64_t kCost = 16;
/// A row costs a logarithm, a division and sums over lanes. So 32 rows of ten classes are less than a thread's work
/// (kNumbersPerThread), and stay on the caller's.
constexpr std::int64_t kRowCost = 250;

/// Sums over the rows: in fixed chunks, so that the order of the additions, and thus the result, does not depend
/// on the number of threads.
LossResult sum_of_rows(const LossRows& loss, std::int64_t rows) {
  constexpr std::int64_t kMostChunks = 64;
  constexpr std::int64_t kLeastRows = 16;
  std::array<LossResult, kMostChunks> sums;
  const std::int64_t chunk_rows = std::max(kLeastRows, (rows + kMostChunks - 1) / kMostChunks);
  const std::int64_t chunks = (rows + chunk_rows - 1) / chunk_rows;
  const std::int64_t chunk_cost = chunk_rows * (static_cast<std::int64_t>(loss.classes) * kCost + kRowCost);
  parallel_for(chunks, kNumbersPerThread / chunk_cost + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      sums[static_cast<std::size_t>(chunk)] =
          HWY_DYNAMIC_DISPATCH(loss_range)(loss, static_cast<std::size_t>(chunk * chunk_rows),
                                           static_cast<std::size_t>(std::min(rows, (chunk + 1) * chunk_rows)));
    }
  });
  // Chunks that there are not are zero.
  LossResult total;
  for (const LossResult& sum : sums) {
    total.loss_sum += sum.loss_sum;
    total.correct += sum.correct;
  }
  return total;
}

}  // namespace

LossResult softmax_cross_entropy(Dtype dtype, const void* logits, std::span<const std::uint16_t> labels,
                                 std::int64_t classes, float label_smoothing, float grad_scale, void* grad,
                                 std::span<const float> row_weights) {
  return sum_of_rows({dtype, logits, labels.data(), nullptr, static_cast<std::size_t>(classes), label_smoothing,
                      grad_scale, grad, row_weights.data()},
                     static_cast<std::int64_t>(labels.size()));
}

LossResult softmax_cross_entropy_dense(Dtype dtype, const void* logits, std::span<const float> targets,
                                       std::int64_t classes, float label_smoothing, float grad_scale, void* grad,
                                       std::span<const float> row_weights) {
  return sum_of_rows({dtype, logits, nullptr, targets.data(), static_cast<std::size_t>(classes), label_smoothing,
                      grad_scale, grad, row_weights.data()},
                     static_cast<std::int64_t>(targets.size()) / classes);
}

void softmax_rows(Dtype dtype, const void* logits, std::int64_t rows, std::int64_t classes, float* probabilities) {
  parallel_rows(rows, classes * kCost, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(softmax_range)
    (dtype, logits, static_cast<std::size_t>(classes), probabilities, static_cast<std::size_t>(begin),
     static_cast<std::size_t>(end));
  });
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
