// The product at the heart of a dense layer's three passes, compiled once for each instruction set: include it after
// hwy/highway.h, in every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
//
// It is the usual blocked GEMM (Goto & van de Geijn 2008, "Anatomy of high-performance matrix multiplication"): a tile
// of the result stays in registers (`with_tile`, the micro-kernel) while it adds outer products of a column of A and a
// row of B; all rows of A pass by a stripe of B that stays in the nearest cache (`multiply_columns`); the depth is cut
// so that the stripe fits there (`multiply_in_stretches`). B is packed: in panels, weights and gradients alike.
//
// Each number of the result is one chain of additions over the depth, whatever tile it falls into. To split the depth
// among several sums would be as fast, and would change bits with the number of rows a thread has.
#if defined(LAPEL_KERNELS_DENSE_PRODUCT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_DENSE_PRODUCT_INL_H
#undef LAPEL_KERNELS_DENSE_PRODUCT_INL_H
#else
#define LAPEL_KERNELS_DENSE_PRODUCT_INL_H
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/dense/parts.h"
#include "kernels/simd/pairs_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Rows of a result that are summed in memory together, beside at most 64 columns: 16 KiB of floats.
inline constexpr std::size_t kBlock = 64;
/// Depth of a product whose columns still lie in the nearest cache: of 64 columns 32 KiB.
inline constexpr std::size_t kDepth = 128;

inline constexpr std::size_t kLine = 64;  ///< Bytes.

/// Asks for a line, to all caches: to the second one alone, products that then read it took 2% longer.
HWY_INLINE void fetch(const void* from) { __builtin_prefetch(from, 0, 3); }

template <class D>
HWY_INLINE hn::Vec<D> load_words(D d, const std::uint32_t* from) {
  return hn::BitCast(d, hn::LoadU(hn::RebindToUnsigned<D>(), from));
}

/// What a tile does between its outer products, here nothing: after every kEvery of them it calls it, and at the end
/// `finish`. A tile is bound by its multiplications, and has room for loads and stores of something else.
struct Nothing {
  static constexpr std::size_t kEvery = 1;
  HWY_INLINE void operator()() const {}
  HWY_INLINE void finish() const {}
};

/// Fetches a line of each of the first kCount streams at a call, those of `rows` rows in all. kCount is a template's
/// argument so that positions stay in registers and a single stream costs one comparison.
template <std::size_t kCount>
class FetchStreams {
 public:
  static constexpr std::size_t kEvery = 2;
  HWY_INLINE FetchStreams(const TileProduct& p, std::size_t row, std::size_t rows) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const Stream& stream = p.streams[i];
      at_[i] = static_cast<const std::byte*>(stream.from) + row * stream.row_bytes;
      end_[i] = at_[i] + rows * stream.row_bytes;
    }
  }
  HWY_INLINE void operator()() {
    for (std::size_t i = 0; i < kCount; ++i) {
      if (at_[i] < end_[i]) {
        fetch(at_[i]);
        at_[i] += kLine;
      }
    }
  }
  HWY_INLINE void finish() {
    for (std::size_t i = 0; i < kCount; ++i) {
      for (; at_[i] < end_[i]; at_[i] += kLine) {
        fetch(at_[i]);
      }
    }
  }

 private:
  std::array<const std::byte*, kCount> at_;
  std::array<const std::byte*, kCount> end_;
};

/// How far apart a tile's operands lie.
struct AnyLayout {
  HWY_INLINE static std::size_t a_row_stride(const TileProduct& p) { return p.a_row_stride; }
  HWY_INLINE static std::size_t a_depth_stride(const TileProduct& p) { return p.a_depth_stride; }
  HWY_INLINE static std::size_t width(const TileProduct& p, std::size_t /*tile*/) { return p.width; }
};

/// The same where the first one is columns in rows of 64 words and, with AVX-512, the second one as wide as the tile:
/// the distances are in the instructions, and leave registers to what is done between outer products.
struct PackedLayout {
  HWY_INLINE static std::size_t a_row_stride(const TileProduct& /*p*/) { return 1; }
  HWY_INLINE static std::size_t a_depth_stride(const TileProduct& /*p*/) { return kBlock; }
  HWY_INLINE static std::size_t width(const TileProduct& p, std::size_t tile) {
    return HWY_TARGET == HWY_AVX3 ? tile : p.width;
  }
};

/// The micro-kernel: kRows rows of a product and kVectors vectors of its columns, in registers for the whole depth, and
/// then given to `finish` as `sums[kRows][kVectors]`.
///
/// At each position it loads kVectors vectors of B and broadcasts kRows words of A for kRows x kVectors fused
/// multiply-adds. A multiply-add waits some four cycles for the one before it in its chain and two can start in each
/// cycle: eight chains or more keep the units busy (VDPBF16PS takes longer, and wants more). They, the columns and one
/// factor must fit the registers: of AVX-512's 32, 4 x 4 takes 21, 8 x 3 takes 28; of AVX2's 16, 4 x 2 takes 11.
template <bool kPairs, std::size_t kRows, std::size_t kVectors, class Layout = AnyLayout, class Between, class Finish>
HWY_INLINE void with_tile(const TileProduct& p, std::size_t row, std::size_t column, Between between,
                          const Finish& finish) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t a_row_stride = Layout::a_row_stride(p);
  const std::size_t a_depth_stride = Layout::a_depth_stride(p);
  const std::size_t width = Layout::width(p, kVectors * lanes);
  // In registers only while every index is a constant, which the unrolled loops make it.
  hn::Vec<decltype(d)> sums[kRows][kVectors];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = p.add ? hn::LoadU(d, p.sums + (row + r) * width + column + v * lanes) : hn::Zero(d);
    }
  }
  const std::uint32_t* a = p.a + row * a_row_stride;
  const std::uint32_t* b = p.b + column;
  const auto add_outer_product = [&]() HWY_ATTR {
    hn::Vec<decltype(d)> columns[kVectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      columns[v] = load_words(d, b + v * lanes);
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto factor = broadcast(d, a + r * a_row_stride);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = multiply_add<kPairs>(factor, columns[v], sums[r][v]);
      }
    }
    a += a_depth_stride;
    b += width;
  };
  std::size_t k = 0;
  for (; k + Between::kEvery <= p.depth; k += Between::kEvery) {
#pragma GCC unroll 2
    for (std::size_t i = 0; i < Between::kEvery; ++i) {
      add_outer_product();
    }
    between();
  }
  for (; k < p.depth; ++k) {
    add_outer_product();
  }
  between.finish();
  finish(sums);
}

template <bool kPairs, std::size_t kRows, std::size_t kVectors, class Layout = AnyLayout, class Between = Nothing>
HWY_NOINLINE void multiply_tile(const TileProduct& p, std::size_t row, std::size_t column,
                                const Between& between = {}) {
  const hn::ScalableTag<float> d;
  float* const to = p.sums + row * p.width + column;
  with_tile<kPairs, kRows, kVectors, Layout>(p, row, column, between, [&](const auto& sums) HWY_ATTR {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        hn::StoreU(sums[r][v], d, to + r * p.width + v * hn::Lanes(d));
      }
    }
  });
}

/// Fetches, of what comes next, as much as `rows` are of all rows: tile after tile the whole of it, each line once.
HWY_INLINE void prefetch_share(const TileProduct& p, std::size_t row, std::size_t rows) {
  for (const Ahead& ahead : p.ahead) {
    if (ahead.bytes == 0) {
      continue;
    }
    const std::size_t lines = (ahead.bytes + kLine - 1) / kLine;
    std::size_t at = lines * ahead.runs * row / p.rows;
    const std::size_t end = lines * ahead.runs * (row + rows) / p.rows;
    const auto* run = static_cast<const std::byte*>(ahead.from) + at / lines * ahead.stride;
    for (std::size_t line = at % lines; at < end; ++at) {
      fetch(run + line * kLine);
      if (++line == lines) {
        line = 0;
        run += ahead.stride;
      }
    }
  }
}

/// All rows of a stripe of kVectors vectors of columns, which stays near meanwhile. The rows that fill no tile are done
/// by smaller ones, down to one row: neither A nor the result has rows to spare behind the last one.
template <bool kPairs, bool kFetches, std::size_t kMostRows, std::size_t kVectors>
HWY_INLINE void multiply_columns(const TileProduct& p, std::size_t column) {
  std::size_t row = 0;
  for (; row + kMostRows <= p.rows; row += kMostRows) {
    if constexpr (kFetches) {
      if (column == 0) {  // Once a product: the other stripes have the same rows.
        prefetch_share(p, row, kMostRows);
        if (p.streams[1].from != nullptr) {
          multiply_tile<kPairs, kMostRows, kVectors>(p, row, column, FetchStreams<2>(p, row, kMostRows));
          continue;
        }
        if (p.streams[0].from != nullptr) {
          multiply_tile<kPairs, kMostRows, kVectors>(p, row, column, FetchStreams<1>(p, row, kMostRows));
          continue;
        }
      }
    }
    multiply_tile<kPairs, kMostRows, kVectors>(p, row, column);
  }
  if constexpr (kMostRows > 8) {
    if (row + 8 <= p.rows) {
      multiply_tile<kPairs, 8, kVectors>(p, row, column);
      row += 8;
    }
  }
  if constexpr (kMostRows > 4) {
    if (row + 4 <= p.rows) {
      multiply_tile<kPairs, 4, kVectors>(p, row, column);
      row += 4;
    }
  }
  if (row + 2 <= p.rows) {
    multiply_tile<kPairs, 2, kVectors>(p, row, column);
    row += 2;
  }
  if (row < p.rows) {
    multiply_tile<kPairs, 1, kVectors>(p, row, column);
  }
}

/// Which tiles cover the columns. Wide ones come first, as they do the most for each word that they broadcast; narrower
/// ones have more rows, for enough chains of sums.
template <bool kPairs, bool kFetches>
HWY_INLINE void multiply_words(const TileProduct& p) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  std::size_t column = 0;
#if HWY_TARGET == HWY_AVX3
  for (; column + 4 * lanes <= p.columns; column += 4 * lanes) {
    multiply_columns<kPairs, kFetches, 4, 4>(p, column);
  }
  for (; column + 3 * lanes <= p.columns; column += 3 * lanes) {
    multiply_columns<kPairs, kFetches, 8, 3>(p, column);
  }
  for (; column + 2 * lanes <= p.columns; column += 2 * lanes) {
    multiply_columns<kPairs, kFetches, 8, 2>(p, column);
  }
  for (; column < p.columns; column += lanes) {
    // Sums of pairs take longer: more of them at a time.
    multiply_columns<kPairs, kFetches, kPairs ? 16 : 8, 1>(p, column);
  }
#else
  for (; column < p.columns; column += 2 * lanes) {
    multiply_columns<kPairs, kFetches, 4, 2>(p, column);
  }
#endif
}

/// Columns are multiples of 16, so of whole vectors (of pairs of them where they have 8 lanes or fewer). What comes
/// next (`ahead`, `streams`) is fetched only with `kFetches`: short products take a few per cent longer with it.
template <bool kFetches = false>
HWY_INLINE void multiply(const TileProduct& p, bool pairs) {
  if (pairs) {
    multiply_words<true, kFetches>(p);
  } else {
    multiply_words<false, kFetches>(p);
  }
}

template <bool kPairs, std::size_t kRows, std::size_t kVectors, class F>
HWY_INLINE void multiply_columns_between(const TileProduct& p, std::size_t column, const F& between) {
  for (std::size_t row = 0; row < p.rows; row += kRows) {
    multiply_tile<kPairs, kRows, kVectors, PackedLayout>(p, row, column, between());
  }
}

/// The product of a multiple of 16 rows, all columns of a panel and a first factor of columns in rows of 64 words, with
/// what `between()` returns, a new one for each tile, between its outer products. All columns are multiplied, also
/// those beyond the outputs: their gradients are zeros, and the update goes over whole rows.
template <bool kPairs, class F>
HWY_INLINE void multiply_between(const TileProduct& p, const F& between) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  std::size_t column = 0;
#if HWY_TARGET == HWY_AVX3
  for (; column + 4 * lanes <= p.columns; column += 4 * lanes) {
    multiply_columns_between<kPairs, 4, 4>(p, column, between);
  }
  for (; column + 2 * lanes <= p.columns; column += 2 * lanes) {
    multiply_columns_between<kPairs, 8, 2>(p, column, between);
  }
  for (; column < p.columns; column += lanes) {
    multiply_columns_between<kPairs, 8, 1>(p, column, between);
  }
#else
  for (; column < p.columns; column += 2 * lanes) {
    multiply_columns_between<kPairs, 4, 2>(p, column, between);
  }
#endif
}

HWY_INLINE bool is_pairs(const DensePanels& panels) { return panels.group == 2; }

/// A whole product, in stretches of the depth whose columns stay near. Between stretches the sums are stored and loaded
/// again, as floats, so that they are the same bits as without. What comes next is fetched with the last stretch:
/// before that it would push out what this product still needs.
inline void multiply_in_stretches(TileProduct product, bool pairs) {
  const std::size_t depth = product.depth;
  const auto ahead = product.ahead;
  const Streams streams = product.streams;
  const bool add = product.add;
  for (std::size_t begin = 0; begin < depth; begin += kDepth) {
    product.depth = HWY_MIN(kDepth, depth - begin);
    product.add = add || begin > 0;
    const bool last = begin + kDepth >= depth;
    product.ahead = last ? ahead : std::array<Ahead, 4>{};
    product.streams = last ? streams : Streams{};
    multiply<true>(product, pairs);
    product.a += kDepth * product.a_depth_stride;
    product.b += kDepth * product.width;
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
