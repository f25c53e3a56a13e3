#include "kernels/dense/parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense/weight_grad.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dense/far_grad_inl.h"
#include "kernels/dense/pack_inl.h"
#include "kernels/dense/product_inl.h"
#include "kernels/simd/vectors_inl.h"
#include "kernels/update/update_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Applies a gradient to numbers that come from memory and go back there, at most a block of them: for blocks that are
/// made one at a time (weight_grad_one_block), where no next product is at hand to overlap with. Of the second state
/// at `next` as much is fetched; the rest of what the next block needs was, during products: fetched all together, each
/// part would wait for memory of which nothing is asked in the others. Copies are written past the caches, which would
/// read them first.
void update_from_memory(const DenseWeightGrad& dense, const UpdateSpan& span, std::size_t next) {
  alignas(64) std::uint16_t low[kBlock * kBlock];
  const bool pairs = is_pairs(dense.panels);
  const std::size_t count = span.weights.size();
  with_update(*dense.rule, [&](const auto& update) HWY_ATTR {
    const hn::ScalableTag<float> d;
    for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
      if (dense.target.state2 != nullptr) {
        fetch(dense.target.state2 + next + i);
      }
      const auto changed = update.apply(d, hn::Load(d, span.grads.data() + i), span, i);
      if (pairs) {
        store_number(d, changed, low + i);
      } else if (!span.low.empty()) {
        store(d, changed, span.low.data() + i);
      }
    }
    if (pairs) {
      const hn::CappedTag<std::uint16_t, 8> d16;  // As little as any memory is aligned to.
      for (std::size_t i = 0; i < count; i += hn::Lanes(d16)) {
        hn::Stream(hn::Load(d16, low + i), d16, span.low.data() + i);
      }
    }
  });
}

/// The gradient of one block, and what becomes of it. `ahead` is fetched and, with `from_memory`, weights that are to
/// be changed, those at `next`, and their state.
void weight_grad_block(const DenseWeightGrad& dense, const DenseWeightBlock& block, const Ahead& ahead,
                       bool from_memory, std::size_t next) {
  alignas(64) float sums[kBlock * kBlock];
  alignas(64) float interleaved[kBlock * kBlock];
  const std::size_t width = dense.panels.width;
  const bool pairs = is_pairs(dense.panels);
  const std::size_t at = place_of(dense, block.rows, block.panel);
  const std::size_t rows = block.rows.end - block.rows.begin;
  const bool fused = dense.rule != nullptr;
  TileProduct product{block.input, 1, block.input_words, block.packed, block.depth, sums, rows, width, width, false,
                      {},          {}};
  product.ahead[0] = ahead;
  if (from_memory) {
    const std::size_t row_bytes = width * sizeof(float);
    product.streams[0] = {dense.target.weights + next, row_bytes};
    if (dense.target.state1 != nullptr) {
      product.streams[1] = {dense.target.state1 + next, row_bytes};
    }
  }
  if (!fused && !pairs) {
    product.sums = dense.grads + at;  // Rows of the result are rows of the panel: summed where they are to lie.
  }
  multiply_in_stretches(product, pairs);
  const float* grads = product.sums;
  if (pairs) {
    float* const to = fused ? interleaved : dense.grads + at;
    interleave_rows(sums, rows, width, to);
    grads = to;
  }
  if (from_memory) {
    update_from_memory(dense, dense.target.span(at, grads, rows * width), next);
  } else if (fused) {
    dense.rule->apply_here(dense.target.span(at, grads, rows * width));
  }
}

/// A of a gradient of weights, dW = x' dy: neighbouring columns of the input, words of one row of the batch (in
/// bfloat16 of two), and how far the next row is.
struct Columns {
  const std::uint32_t* from;
  std::size_t stride;
};

template <Numbers kNumbers, class D, class Update>
HWY_INLINE void update_vector(D d, hn::Vec<D> grad, const Update& update, const UpdateSpan& span, std::size_t i) {
  const auto changed = update.apply(d, grad, span, i);
  if constexpr (kNumbers == Numbers::kPairs) {
    store_number(d, changed, span.low.data() + i);
  } else if constexpr (kNumbers == Numbers::kCopiedFloats) {
    store(d, changed, span.low.data() + i);
  }
}

/// How far apart the operands of a tile of a gradient lie: words of a row of the batch are neighbours, packed ones in
/// rows of 64; a tile of more than two vectors is of a panel of 64 outputs. What is a constant here is in the
/// instructions and takes no register from the update.
template <bool kPacked>
struct GradLayout {
  HWY_INLINE static std::size_t a_row_stride(const TileProduct& /*p*/) { return 1; }
  HWY_INLINE static std::size_t a_depth_stride(const TileProduct& p) { return kPacked ? kBlock : p.a_depth_stride; }
  HWY_INLINE static std::size_t width(const TileProduct& p, std::size_t tile) { return tile > 32 ? kBlock : p.width; }
};

/// One tile of a gradient, applied from the registers in which it is summed: for SGD, whose update is a multiplication
/// or three for each number. `span` begins at the product's first row.
template <Numbers kNumbers, std::size_t kRows, std::size_t kVectors, class Update>
HWY_INLINE void update_tile(const TileProduct& p, std::size_t row, std::size_t column, const Update& update,
                            const UpdateSpan& span) {
  constexpr bool kPairs = kNumbers == Numbers::kPairs;
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  with_tile<kPairs, kRows, kVectors, GradLayout<kPairs>>(p, row, column, Nothing(), [&](const auto& sums) HWY_ATTR {
    constexpr std::size_t kGroup = kPairs ? 2 : 1;
    const std::size_t width = GradLayout<kPairs>::width(p, kVectors * lanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; r += kGroup) {
      const std::size_t at = (row + r) * width + kGroup * column;
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        if constexpr (kPairs) {
          hn::Vec<decltype(d)> first;
          hn::Vec<decltype(d)> second;
          interleave(sums[r][v], sums[r + 1][v], first, second);
          update_vector<kNumbers>(d, first, update, span, at + 2 * v * lanes);
          update_vector<kNumbers>(d, second, update, span, at + (2 * v + 1) * lanes);
        } else {
          update_vector<kNumbers>(d, sums[r][v], update, span, at + v * lanes);
        }
      }
    }
  });
}

/// Rows of a product, a multiple of kRows of them, in one function, which computes only once what all its tiles share:
/// they are that short.
template <Numbers kNumbers, std::size_t kRows, std::size_t kVectors, class Update>
HWY_NOINLINE void update_columns(const TileProduct& given_product, std::size_t column, const Update& given_update,
                                 const UpdateSpan& given_span) {
  // Copies, which no store can change.
  const TileProduct product = given_product;
  const Update update = given_update;
  const UpdateSpan span = given_span;
  for (std::size_t row = 0; row < product.rows; row += kRows) {
    update_tile<kNumbers, kRows, kVectors>(product, row, column, update, span);
  }
}

/// The tiles of multiply_words, without its ends: rows are multiples of 16.
template <Numbers kNumbers, class Update>
HWY_INLINE void update_product(const TileProduct& p, const Update& update, const UpdateSpan& span) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  std::size_t column = 0;
#if HWY_TARGET == HWY_AVX3
  for (; column + 4 * lanes <= p.columns; column += 4 * lanes) {
    update_columns<kNumbers, 4, 4>(p, column, update, span);
  }
  for (; column + 3 * lanes <= p.columns; column += 3 * lanes) {
    update_columns<kNumbers, 8, 3>(p, column, update, span);
  }
  for (; column + 2 * lanes <= p.columns; column += 2 * lanes) {
    update_columns<kNumbers, 8, 2>(p, column, update, span);
  }
  for (; column < p.columns; column += lanes) {
    update_columns<kNumbers, kNumbers == Numbers::kPairs ? 16 : 8, 1>(p, column, update, span);
  }
#else
  for (; column < p.columns; column += 2 * lanes) {
    update_columns<kNumbers, 4, 2>(p, column, update, span);
  }
#endif
}

/// Gradients of inputs [begin, end) of a panel, a multiple of 16 of them, applied by a rule that needs little more than
/// a multiplication.
template <class Update>
void update_rows(const DenseWeightGrad& dense, const Update& update, const Columns& input, const Part& rows,
                 std::size_t panel) {
  const std::size_t width = dense.panels.width;
  const std::size_t depth = dense_packed_rows(dense.batch) / dense.panels.group;
  const std::size_t count = rows.end - rows.begin;
  const TileProduct product{input.from,
                            1,
                            input.stride,
                            dense.packed + panel * depth * width,
                            depth,
                            nullptr,
                            count,
                            width,
                            dense.panels.used(panel),
                            false,
                            {},
                            {}};
  const UpdateSpan span =
      dense.target.span(panel * dense.panels.panel_size() + rows.begin * width, nullptr, count * width);
  with_numbers(dense, [&]<Numbers kNumbers>() HWY_ATTR { update_product<kNumbers>(product, update, span); });
}

/// All of `span`, whose gradients lie as its numbers do.
template <Numbers kNumbers, class Update>
HWY_INLINE void update_floats(const Update& update, const float* grads, const UpdateSpan& span) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < span.weights.size(); i += hn::Lanes(d)) {
    update_vector<kNumbers>(d, hn::Load(d, grads + i), update, span, i);
  }
}

/// All of `span`, whose numbers are pairs of what lies in two neighbouring rows of the gradients.
template <class Update>
HWY_INLINE void update_pairs(const Update& update, const float* grads, std::size_t width, const UpdateSpan& span) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < span.weights.size(); i += 2 * width) {
    for (std::size_t column = 0; column < width; column += lanes) {
      const float* const upper = grads + i + column;
      hn::Vec<decltype(d)> first;
      hn::Vec<decltype(d)> second;
      interleave(hn::Load(d, upper), hn::Load(d, upper + width), first, second);
      update_vector<Numbers::kPairs>(d, first, update, span, i + 2 * column);
      update_vector<Numbers::kPairs>(d, second, update, span, i + 2 * column + lanes);
    }
  }
}

/// Gradients of inputs [begin, end) of a panel, each tile of 256 applied while the next one's product is on its way: a
/// product is as long as an update, and neither needs what the other computes with (multiplications here, roots and
/// divisions there). The overlap is the processor's own: a tile's sums, 1 KiB, go through the nearest cache, and while
/// roots and divisions run, the next product starts out of order. 256 numbers are one tile of 4 x 4 vectors of AVX-512
/// in a panel of 64 outputs.
void update_rows(const DenseWeightGrad& dense, const Adam& update, const Columns& input, const Part& rows,
                 std::size_t panel) {
  constexpr std::size_t kTile = 256;
  alignas(64) float sums[kTile];
  const std::size_t width = dense.panels.width;
  const bool pairs = is_pairs(dense.panels);
  const std::size_t depth = dense_packed_rows(dense.batch) / dense.panels.group;
  TileProduct product{input.from,
                      1,
                      input.stride,
                      dense.packed + panel * depth * width,
                      depth,
                      sums,
                      kTile / width,
                      width,
                      width,
                      false,
                      {},
                      {}};
  std::size_t at = panel * dense.panels.panel_size() + rows.begin * width;
  for (std::size_t row = rows.begin; row < rows.end; row += product.rows, at += kTile) {
    multiply(product, pairs);
    product.a += product.rows;
    const UpdateSpan span = dense.target.span(at, sums, kTile);
    if (pairs) {
      update_pairs(update, sums, width, span);
    } else if (!span.low.empty()) {
      update_floats<Numbers::kCopiedFloats>(update, sums, span);
    } else {
      update_floats<Numbers::kFloats>(update, sums, span);
    }
  }
}

/// A short product's columns stay near by themselves: its update overlaps with the next product. Where the packed input
/// of all rows is near, panels are made one after another: of a core that goes from panel to panel, the same distance
/// again and again, the hardware fetches what lies so far behind the last one, too, which is another thread's. Where
/// cores exchange lines slowly, a step of 784-384-10 takes 0.071 ms so, and 0.100 ms the other way.
void update_in_passing(const DenseWeightGrad& dense, std::uint32_t* input_pack, const Part& rows, const Part& panels) {
  const std::size_t in = dense.panels.in;
  const std::size_t depth = dense_packed_rows(dense.batch) / dense.panels.group;
  const bool in_place = dense_reads_input_in_place(dense.panels, dense.batch);
  const bool whole = in_place || dense_packs_whole_input(dense.panels, dense.batch);
  const std::size_t at_once = whole ? rows.end - rows.begin : kBlock;
  for (std::size_t first = rows.begin; first < rows.end; first += at_once) {
    const std::size_t end = HWY_MIN(rows.end, first + at_once);
    for (std::size_t row = first; row < end && !in_place; row += kBlock) {
      pack_input(dense, row, HWY_MIN(kBlock, in - HWY_MIN(in, row)), input_pack + (row - first) * depth);
    }
    with_update(*dense.rule, [&](const auto& update) HWY_ATTR {
      for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
        for (std::size_t row = first; row < end; row += kBlock) {
          const Columns columns = in_place ? Columns{static_cast<const std::uint32_t*>(dense.input) + row, in}
                                           : Columns{input_pack + (row - first) * depth, kBlock};
          update_rows(dense, update, columns, {row, HWY_MIN(end, row + kBlock)}, panel);
        }
      }
    });
  }
}

}  // namespace

/// Three ways to the same gradient, bit by bit: from memory, with the update between the products; short products with
/// an update, tile by tile; and whole blocks of sums, for a gradient that is stored or a batch of more than 128 words.
void weight_grad_part(const DenseWeightGrad& dense, std::uint32_t* input_pack, const Part& rows, const Part& panels) {
  if (dense.rule != nullptr && dense_weights_are_far(dense.panels)) {
    far_weight_grad(dense, input_pack, rows, panels);
    return;
  }
  const std::size_t in = dense.panels.in;
  const std::size_t depth = dense_packed_rows(dense.batch) / dense.panels.group;
  if (depth <= kDepth && dense.rule != nullptr) {
    update_in_passing(dense, input_pack, rows, panels);
    return;
  }
  for (std::size_t row = rows.begin; row < rows.end; row += kBlock) {
    const std::size_t end = HWY_MIN(rows.end, row + kBlock);
    pack_input(dense, row, HWY_MIN(kBlock, in - HWY_MIN(in, row)), input_pack);
    const BlockOrder order{{row, end}, {end, HWY_MIN(rows.end, end + kBlock)}, panels, depth <= kDepth ? 16 : kBlock};
    for (std::size_t i = 0; i < order.count(); ++i) {
      const Part block = order.block(i);
      weight_grad_block(dense,
                        {input_pack + (block.begin - row), kBlock,
                         dense.packed + order.panel(i) * depth * dense.panels.width, depth, block, order.panel(i)},
                        input_ahead(dense, order, i), false, 0);
    }
  }
}

void weight_grad_one_block(const DenseWeightGrad& dense, const DenseWeightBlock& block) {
  const std::size_t bytes = dense.panels.panels * dense.panels.panel_size() * sizeof(float);
  weight_grad_block(dense, block, {}, dense.rule != nullptr && bytes > kDenseFar,
                    place_of(dense, {block.rows.end, block.rows.end}, block.panel));
}

/// The sum of each output's gradients over the batch, in the order of the rows. The pack has whole vectors of zeros
/// beyond, so that there is no tail in either direction.
void bias_grad_part(const DenseWeightGrad& dense, const Part& panels) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> d32;
  const std::size_t width = dense.panels.width;
  const std::size_t words = dense_packed_rows(dense.batch) / dense.panels.group;
  const bool pairs = is_pairs(dense.panels);
  alignas(64) float sums[kBlock];
  for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
    for (std::size_t o = 0; o < width; o += hn::Lanes(d)) {
      const std::uint32_t* from = dense.packed + panel * words * width + o;
      auto sum = hn::Zero(d);
      for (std::size_t word = 0; word < words; ++word, from += width) {
        const auto bits = hn::LoadU(d32, from);
        if (pairs) {
          // A bfloat16 is the upper half of a float: the even row's is shifted there, the odd row's lies there.
          sum = hn::Add(sum, hn::BitCast(d, hn::ShiftLeft<16>(bits)));
          sum = hn::Add(sum, hn::BitCast(d, hn::AndNot(hn::Set(d32, 0xFFFFU), bits)));
        } else {
          sum = hn::Add(sum, hn::BitCast(d, bits));
        }
      }
      hn::StoreU(sum, d, sums + o);
    }
    const std::size_t first = panel * width;
    const std::size_t count = HWY_MIN(width, dense.panels.out - first);
    if (dense.bias_rule != nullptr) {
      dense.bias_rule->apply_here(dense.bias_target.span(first, sums, count));
    } else {
      std::memcpy(dense.bias_grads + first, sums, count * sizeof(float));
    }
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(weight_grad_part);
HWY_EXPORT(bias_grad_part);
HWY_EXPORT(weight_grad_one_block);

}  // namespace

void dense_weight_grad(const DenseWeightGrad& dense, std::uint32_t* input_pack, const Part& rows, const Part& panels) {
  HWY_DYNAMIC_DISPATCH(weight_grad_part)(dense, input_pack, rows, panels);
}

void dense_bias_grad(const DenseWeightGrad& dense, const Part& panels) {
  HWY_DYNAMIC_DISPATCH(bias_grad_part)(dense, panels);
}

void dense_weight_grad_block(const DenseWeightGrad& dense, const DenseWeightBlock& block) {
  HWY_DYNAMIC_DISPATCH(weight_grad_one_block)(dense, block);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
