// The product at the heart of a dense layer's three passes, compiled once for each instruction set: include it after
// hwy/highway.h, in every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
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

#include "kernels/dense_parts.h"
#include "kernels/pairs_inl.h"
#include "kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class D>
HWY_INLINE hn::Vec<D> load_words(D d, const std::uint32_t* from) {
  return hn::BitCast(d, hn::LoadU(hn::RebindToUnsigned<D>(), from));
}

struct FetchNothing {
  HWY_INLINE void operator()() const {}
  HWY_INLINE void rest() const {}
};

/// A line of each stream at a call, to the second cache, as what is in use fills the first.
class FetchStreams {
 public:
  HWY_INLINE FetchStreams(const TileProduct& p, std::size_t row, std::size_t rows) {
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const Stream& stream = p.streams[i];
      at_[i] = static_cast<const std::byte*>(stream.from) + row * stream.row_bytes;
      end_[i] = at_[i] + rows * stream.row_bytes;
    }
  }
  HWY_INLINE void operator()() {
    for (std::size_t i = 0; i < at_.size(); ++i) {
      if (at_[i] < end_[i]) {
        __builtin_prefetch(at_[i], 0, 2);
        at_[i] += kLine;
      }
    }
  }
  /// What more lines there are than steps.
  HWY_INLINE void rest() {
    for (std::size_t i = 0; i < at_.size(); ++i) {
      for (; at_[i] < end_[i]; at_[i] += kLine) {
        __builtin_prefetch(at_[i], 0, 2);
      }
    }
  }

 private:
  static constexpr std::size_t kLine = 64;
  std::array<const std::byte*, std::tuple_size_v<Streams>> at_;
  std::array<const std::byte*, std::tuple_size_v<Streams>> end_;
};

/// kRows rows of a product and kVectors vectors of its columns, in registers for all steps, and then given to `finish`
/// as `sums[kRows][kVectors]`.
template <bool kPairs, std::size_t kRows, std::size_t kVectors, class Fetch, class Finish>
HWY_INLINE void with_tile(const TileProduct& p, std::size_t row, std::size_t column, Fetch fetch,
                          const Finish& finish) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sums[kRows][kVectors];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = p.add ? hn::LoadU(d, p.sums + (row + r) * p.width + column + v * lanes) : hn::Zero(d);
    }
  }
  const std::uint32_t* a = p.a + row * p.a_row;
  const std::uint32_t* b = p.b + column;
  for (std::size_t step = 0; step < p.steps; ++step) {
    hn::Vec<decltype(d)> columns[kVectors];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      columns[v] = load_words(d, b + v * lanes);
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto factor = broadcast(d, a + r * p.a_row);
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = multiply_add<kPairs>(factor, columns[v], sums[r][v]);
      }
    }
    a += p.a_step;
    b += p.width;
    fetch();
  }
  fetch.rest();
  finish(sums);
}

template <bool kPairs, std::size_t kRows, std::size_t kVectors, class Fetch = FetchNothing>
HWY_NOINLINE void multiply_tile(const TileProduct& p, std::size_t row, std::size_t column, const Fetch& fetch = {}) {
  const hn::ScalableTag<float> d;
  float* const to = p.sums + row * p.width + column;
  with_tile<kPairs, kRows, kVectors>(p, row, column, fetch, [&](const auto& sums) HWY_ATTR {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        hn::StoreU(sums[r][v], d, to + r * p.width + v * hn::Lanes(d));
      }
    }
  });
}

/// Fetches, of what comes next, as much as `rows` are of all rows: to the second cache, as what is in use fills the
/// first.
HWY_INLINE void prefetch_share(const TileProduct& p, std::size_t row, std::size_t rows) {
  constexpr std::size_t kLine = 64;
  for (const Ahead& ahead : p.ahead) {
    if (ahead.bytes == 0) {
      continue;
    }
    const std::size_t lines = (ahead.bytes + kLine - 1) / kLine;
    std::size_t at = lines * ahead.runs * row / p.rows;
    const std::size_t end = lines * ahead.runs * (row + rows) / p.rows;
    const auto* run = static_cast<const std::byte*>(ahead.from) + at / lines * ahead.stride;
    for (std::size_t line = at % lines; at < end; ++at) {
      __builtin_prefetch(run + line * kLine, 0, 2);
      if (++line == lines) {
        line = 0;
        run += ahead.stride;
      }
    }
  }
}

template <bool kPairs, bool kFetches, std::size_t kMostRows, std::size_t kVectors>
HWY_INLINE void multiply_columns(const TileProduct& p, std::size_t column) {
  std::size_t row = 0;
  for (; row + kMostRows <= p.rows; row += kMostRows) {
    if constexpr (kFetches) {
      if (column == 0) {
        prefetch_share(p, row, kMostRows);
        if (p.has_streams()) {
          multiply_tile<kPairs, kMostRows, kVectors>(p, row, column, FetchStreams(p, row, kMostRows));
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

/// Rows of a result that are summed in memory together, beside at most 64 columns.
inline constexpr std::size_t kBlock = 64;
/// Steps of a product after which its columns still lie in the nearest cache.
inline constexpr std::size_t kSteps = 128;

HWY_INLINE bool is_pairs(const DensePanels& panels) { return panels.group == 2; }

/// A whole product, in stretches of steps whose columns stay near. What comes next is fetched with the last of them.
inline void multiply_in_stretches(TileProduct product, bool pairs) {
  const std::size_t steps = product.steps;
  const auto ahead = product.ahead;
  const Streams streams = product.streams;
  for (std::size_t begin = 0; begin < steps; begin += kSteps) {
    product.steps = HWY_MIN(kSteps, steps - begin);
    product.add = begin > 0;
    const bool last = begin + kSteps >= steps;
    product.ahead = last ? ahead : std::array<Ahead, 4>{};
    product.streams = last ? streams : Streams{};
    multiply<true>(product, pairs);
    product.a += kSteps * product.a_step;
    product.b += kSteps * product.width;
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
