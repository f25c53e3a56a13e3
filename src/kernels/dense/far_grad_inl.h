// The gradient of weights that come from memory and are changed by it, compiled once for each instruction set: include
// it after hwy/highway.h, in every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
//
// Such a layer's backward pass moves weights, Adam's two states and the copies, and takes as long as that takes. So
// each of them crosses the memory bus once each way, and nothing waits for it: while block i is multiplied, the
// gradient of block i - 1 is applied between the outer products, and what block i changes is prefetched, vector by
// vector. A step of cnn-5408 takes 7% less by it in float32 and 5% less in bfloat16 than with the update behind each
// product.
#if defined(LAPEL_KERNELS_DENSE_FAR_GRAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_DENSE_FAR_GRAD_INL_H
#undef LAPEL_KERNELS_DENSE_FAR_GRAD_INL_H
#else
#define LAPEL_KERNELS_DENSE_FAR_GRAD_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/dense/input_grad_inl.h"
#include "kernels/dense/pack_inl.h"
#include "kernels/dense/parts.h"
#include "kernels/dense/product_inl.h"
#include "kernels/simd/vectors_inl.h"
#include "kernels/update/update_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// What a layer multiplies: floats, of which there may be a copy in bfloat16 all the same, where they stand in for
/// bfloat16 on a CPU without it; or pairs of bfloat16.
enum class Numbers { kFloats, kCopiedFloats, kPairs };

/// Calls `body.template operator()<kNumbers>()` with what the weights of `dense` are.
template <class F>
HWY_INLINE void with_numbers(const DenseWeightGrad& dense, const F& body) {
  if (is_pairs(dense.panels)) {
    body.template operator()<Numbers::kPairs>();
  } else if (dense.target.low != nullptr) {
    body.template operator()<Numbers::kCopiedFloats>();
  } else {
    body.template operator()<Numbers::kFloats>();
  }
}

/// Where the weights of a block begin.
HWY_INLINE std::size_t place_of(const DenseWeightGrad& dense, const Part& rows, std::size_t panel) {
  return panel * dense.panels.panel_size() + rows.begin * dense.panels.width;
}

/// Columns [first, first + count) of the input, at most 64, to rows of 64 words.
inline void pack_input(const DenseWeightGrad& dense, std::size_t first, std::size_t count, std::uint32_t* to) {
  const std::size_t in = dense.panels.in;
  if (is_pairs(dense.panels)) {
    pack_columns<std::uint16_t>(static_cast<const std::uint16_t*>(dense.input), nullptr, in, dense.batch, first, count,
                                kBlock, to);
  } else {
    pack_columns<float>(static_cast<const float*>(dense.input), nullptr, in, dense.batch, first, count, kBlock, to);
  }
}

/// Gradients of a block, in rows as wide as a panel, that are applied between the outer products of the next one.
struct Waiting {
  UpdateSpan span;                     ///< Whole vectors: blocks are multiples of 16 rows.
  std::array<const float*, 3> next{};  ///< Weights and state to fetch meanwhile, as many as `span` has.
  std::size_t at = 0;                  ///< So many are applied.
};

/// Applies a vector of gradients at a call, or of pairs two, and fetches as much of what the next block changes. So
/// loads, roots and divisions run beside the multiply-adds of another block, of which they need nothing.
template <Numbers kNumbers, class Update>
class UpdateBetween {
 public:
  static constexpr std::size_t kEvery = 2;
  HWY_INLINE UpdateBetween(const Update& update, std::size_t width, Waiting& waiting)
      : update_(update), waiting_(waiting), width_(width), at_(waiting.at), end_(waiting.span.weights.size()) {}
  HWY_INLINE void operator()() {
    if (at_ < end_) {
      apply();
    }
  }
  HWY_INLINE void finish() { waiting_.at = at_; }
  HWY_INLINE void apply_all() {
    while (at_ < end_) {
      apply();
    }
    finish();
  }

 private:
  using Floats = hn::ScalableTag<float>;
  static constexpr Floats kTag{};

  HWY_INLINE void apply() {
    const UpdateSpan& span = waiting_.span;
    const std::size_t lanes = hn::Lanes(kTag);
    constexpr std::size_t kVectors = kNumbers == Numbers::kPairs ? 2 : 1;
    for (std::size_t numbers = 0; numbers <= Update::kStates; ++numbers) {
      for (std::size_t i = 0; i < kVectors; ++i) {
        fetch(waiting_.next[numbers] + at_ + i * lanes);
      }
    }
    if constexpr (kNumbers == Numbers::kPairs) {
      apply_pairs();
    } else {
      const auto changed = update_.apply(kTag, hn::Load(kTag, span.grads.data() + at_), span, at_);
      if constexpr (kNumbers == Numbers::kCopiedFloats) {
        store(kTag, changed, span.low.data() + at_);
      }
    }
    at_ += kVectors * lanes;
  }

  /// The numbers are pairs of what lies in two neighbouring rows of the gradients. Copies are written past the caches,
  /// which would read them first.
  HWY_INLINE void apply_pairs() {
    const UpdateSpan& span = waiting_.span;
    const std::size_t lanes = hn::Lanes(kTag);
    const hn::ScalableTag<std::uint16_t> d16;
    alignas(64) std::uint16_t low[2 * hn::MaxLanes(Floats())];
    const std::size_t row = at_ & ~(2 * width_ - 1);
    const float* const upper = span.grads.data() + row + (at_ - row) / 2;
    hn::Vec<Floats> first;
    hn::Vec<Floats> second;
    interleave(hn::Load(kTag, upper), hn::Load(kTag, upper + width_), first, second);
    store_number(kTag, update_.apply(kTag, first, span, at_), low);
    store_number(kTag, update_.apply(kTag, second, span, at_ + lanes), low + lanes);
    for (std::size_t i = 0; i < 2 * lanes; i += hn::Lanes(d16)) {
      hn::Stream(hn::Load(d16, low + i), d16, span.low.data() + at_ + i);
    }
  }

  // Not copies: registers are too few to keep their members beside a product.
  const Update& update_;
  Waiting& waiting_;
  const std::size_t width_;
  std::size_t at_;
  const std::size_t end_;
};

/// The product, and all that waits is applied: what a short product has not had the time for, at its end. `product` may
/// be empty.
inline void multiply_and_apply(const DenseWeightGrad& dense, const TileProduct& product, Waiting& waiting) {
  with_update(*dense.rule, [&](const auto& update) HWY_ATTR {
    with_numbers(dense, [&]<Numbers kNumbers>() HWY_ATTR {
      const auto between = [&]() HWY_ATTR {
        return UpdateBetween<kNumbers, std::decay_t<decltype(update)>>(update, dense.panels.width, waiting);
      };
      TileProduct stretch = product;
      for (std::size_t begin = 0; begin < product.depth; begin += kDepth) {
        stretch.depth = HWY_MIN(kDepth, product.depth - begin);
        stretch.add = begin > 0;
        multiply_between<kNumbers == Numbers::kPairs>(stretch, between);
        stretch.a += kDepth * stretch.a_depth_stride;
        stretch.b += kDepth * stretch.width;
      }
      between().apply_all();
    });
  });
}

/// The blocks of 64 rows of weights (inputs), panel by panel, in the order in which they are changed.
struct BlockOrder {
  Part rows;   ///< At most 64.
  Part after;  ///< The rows that are changed next.
  Part panels;
  std::size_t at_once;  ///< Rows of a block.

  [[nodiscard]] std::size_t in_panel() const { return (rows.end - rows.begin + at_once - 1) / at_once; }
  [[nodiscard]] std::size_t count() const { return in_panel() * (panels.end - panels.begin); }
  [[nodiscard]] std::size_t panel(std::size_t i) const {
    return i == count() ? panels.begin : panels.begin + i / in_panel();
  }
  [[nodiscard]] Part block(std::size_t i) const {
    const Part& of = i == count() ? after : rows;
    const std::size_t begin = i == count() ? of.begin : of.begin + i % in_panel() * at_once;
    return {begin, HWY_MIN(begin + at_once, of.end)};
  }
};

/// Some of the rows of the batch, whose next 64 columns are fetched during block `i` where they come from far: all of
/// them by the last block, and then they are packed.
inline Ahead input_ahead(const DenseWeightGrad& dense, const BlockOrder& order, std::size_t i) {
  const std::size_t in = dense.panels.in;
  const std::size_t number_bytes = sizeof(std::uint32_t) / dense.panels.group;
  if (dense.batch * in * number_bytes <= kDenseFar || order.after.begin >= HWY_MIN(in, order.after.end)) {
    return {};
  }
  const std::size_t first = dense.batch * i / order.count();
  return {static_cast<const std::byte*>(dense.input) + (first * in + order.after.begin) * number_bytes,
          (HWY_MIN(in, order.after.end) - order.after.begin) * number_bytes, in * number_bytes,
          dense.batch * (i + 1) / order.count() - first};
}

/// What the input's gradient takes from one panel's weights, while those of the next panel, or the next rows of the
/// first, are fetched: as they are multiplied, and as they are changed. In floats these are the same numbers; in
/// bfloat16 the copies are multiplied and the masters changed.
inline void add_panel_to_input_grad(const DenseWeightGrad& dense, const BlockOrder& order, std::size_t panel,
                                    float* sums) {
  Streams streams{next_weights(*dense.input_grad, order.rows, panel), {}};
  if (is_pairs(dense.panels)) {
    const bool last = panel + 1 == order.panels.end;
    const std::size_t next = place_of(dense, last ? order.after : order.rows, last ? order.panels.begin : panel + 1);
    streams[1] = {dense.target.weights + next, dense.panels.width * sizeof(float)};
  }
  add_input_grad(*dense.input_grad, order.rows, 0, panel, sums, streams);
}

/// All rows and panels given. The weights and their state are read once, and written once.
/// Gradients go to two buffers in turn: block i is summed into one while that of block i - 1 is applied from the other.
/// The input's gradient of 64 inputs takes what it needs of a panel's weights just before these change; a thread has
/// rows of its own, so that no other one changes them earlier.
inline void far_weight_grad(const DenseWeightGrad& dense, std::uint32_t* input_pack, const Part& rows,
                            const Part& panels) {
  alignas(64) float input_sums[kBlock * kBlock];
  alignas(64) float grads[2][kBlock * kBlock];
  const std::size_t in = dense.panels.in;
  const std::size_t width = dense.panels.width;
  const std::size_t depth = dense_packed_rows(dense.batch) / dense.panels.group;
  // A short product's columns stay near by themselves: then few rows at a time, whose gradients (4 KiB) stay near, too.
  const std::size_t at_once = depth <= kDepth ? 16 : kBlock;
  const auto numbers_at = [&](std::size_t weights, std::size_t state) {
    const auto of = [&](const float* numbers) { return numbers == nullptr ? nullptr : numbers + state; };
    return std::array{static_cast<const float*>(dense.target.weights + weights), of(dense.target.state1),
                      of(dense.target.state2)};
  };
  Waiting waiting;
  std::size_t turn = 0;
  for (std::size_t row = rows.begin; row < rows.end; row += kBlock) {
    const std::size_t end = HWY_MIN(rows.end, row + kBlock);
    const BlockOrder order{{row, end}, {end, HWY_MIN(rows.end, end + kBlock)}, panels, at_once};
    pack_input(dense, row, HWY_MIN(kBlock, in - HWY_MIN(in, row)), input_pack);
    for (std::size_t i = 0; i < order.count(); ++i, turn ^= 1U) {
      const std::size_t panel = order.panel(i);
      const Part block = order.block(i);
      if (dense.input_grad != nullptr && block.begin == row) {
        add_panel_to_input_grad(dense, order, panel, input_sums);
      }
      const std::size_t here = place_of(dense, block, panel);
      const std::size_t next = place_of(dense, order.block(i + 1), order.panel(i + 1));
      // Weights that the input's gradient has read are near already: as good as any, so that no call need ask.
      waiting.next = numbers_at(dense.input_grad == nullptr ? next : here, next);
      TileProduct product{input_pack + (block.begin - row),
                          1,
                          kBlock,
                          dense.packed + panel * depth * width,
                          depth,
                          grads[turn],
                          block.end - block.begin,
                          width,
                          width,
                          false,
                          {},
                          {}};
      product.ahead[0] = input_ahead(dense, order, i);
      prefetch_share(product, 0, product.rows);
      multiply_and_apply(dense, product, waiting);
      waiting = {dense.target.span(here, grads[turn], product.rows * width), numbers_at(here, here), 0};
    }
    if (dense.input_grad != nullptr && row < in) {
      store_input_grad(*dense.input_grad, order.rows, 0, input_sums);
    }
  }
  multiply_and_apply(dense, {}, waiting);  // The last block's.
  hwy::FlushStream();  // What was written past the caches is there before another thread is told so.
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
