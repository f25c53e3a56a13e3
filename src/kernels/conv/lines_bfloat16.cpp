#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include "kernels/conv/lines.h"

/// Highway 1.0.3 has no target with AVX512-BF16, so these loops name its instruction themselves. Who calls them has
/// asked whether the CPU has it (Cpu::fast_bfloat16).
namespace lapel::kernels {
namespace {

constexpr std::int64_t kLanes = 16;
/// Instructions without a mask warn of their unset operand (GCC 12's headers): with all lanes they do the same.
constexpr __mmask16 kEvery = 0xFFFF;
constexpr std::int64_t kPairBytes = 4;
constexpr std::int64_t kBlockPairs = 8;
/// Numbers of the weights of a pair.
constexpr std::int64_t kPairWeights = 2 * kLanes;
/// Columns of a wide tile are addressed from two bases, so that few registers reach them all: x86 adds a base and an
/// index times 1, 2, 4 or 8, which gives columns 0, 1, 2 and 4 from one stride, 3 and 6 from three of them, 5 from
/// five. With a pointer for each of 14 columns every pair would increment 14 registers, and there are not as many.
constexpr std::size_t kReach = 7;
/// Columns of the widest tile of one or two vectors, and of three: sums, weights and an input fill 31 of AVX-512's 32
/// registers (14 x 2 + 2 + 1, 9 x 3 + 3 + 1). Wider tiles load weights less often; and VDPBF16PS has a long latency,
/// which many chains hide.
constexpr std::int64_t kWidest = 14;
constexpr std::int64_t kWidestOfThree = 9;
/// Columns that a window's column may lack at either end of a line.
constexpr std::int64_t kMostMissing = 2;

/// Where the inputs of a tile's columns lie, kHalf of them from either base on.
template <std::size_t kHalf>
struct Places {
  const std::byte* first;
  const std::byte* second;
  std::int64_t stride, stride3, stride5;  ///< Bytes.

  template <std::size_t r>
  [[gnu::always_inline]] inline const std::byte* at() const {
    constexpr std::size_t kColumn = r % kHalf;
    const std::byte* const base = r < kHalf ? first : second;
    if constexpr (kColumn == 3) {
      return base + stride3;
    } else if constexpr (kColumn == 5) {
      return base + stride5;
    } else if constexpr (kColumn == 6) {
      return base + 2 * stride3;
    } else {
      return base + static_cast<std::int64_t>(kColumn) * stride;
    }
  }
};

/// A tile: R columns of P pictures, V vectors of outputs, whose sums stay in registers for all places and channels of
/// the window. Every index of `of` must be a constant, or the array is in memory: hence columns as template arguments
/// and folds over index sequences in place of loops.
template <std::size_t R, std::size_t P, std::size_t V>
struct Sums {
  static constexpr std::size_t kHalf = P == 1 ? kReach : R;
  __m512 of[P * R][V];

  template <std::size_t r>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::always_inline]] inline void add(const std::byte* at,
                                                                                              const __m512i* weights) {
    std::int32_t pair = 0;
    std::memcpy(&pair, at, sizeof(pair));
    const auto inputs = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) {
      of[r][v] = _mm512_dpbf16_ps(of[r][v], inputs, reinterpret_cast<__m512bh>(weights[v]));
    }
  }

  template <std::size_t kFrom, std::size_t... r>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::always_inline]] inline void add_all(
      const Places<kHalf>& places, const __m512i* weights, std::index_sequence<r...> /*columns*/) {
    (add<kFrom + r>(places.template at<kFrom + r>(), weights), ...);
    if constexpr (P == 2) {
      (add<R + kFrom + r>(places.template at<R + kFrom + r>(), weights), ...);
    }
  }

  /// Adds `pairs` pairs of channels to columns [kFrom, kTo). Weights of vectors lie `vector` numbers apart. For each
  /// pair V loads of weights and a broadcast for each column: R x V products of pairs for V + R loads.
  template <std::size_t kFrom, std::size_t kTo>
  [[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::always_inline]] inline void add_pairs(
      Places<kHalf> places, const std::uint16_t* weight, std::int64_t vector, std::int64_t pairs) {
    static_assert(kFrom < kTo && kTo <= R);
    for (; pairs > 0; --pairs) {
      __m512i weights[V];
#pragma GCC unroll 4
      for (std::size_t v = 0; v < V; ++v) {
        weights[v] = _mm512_loadu_si512(weight + static_cast<std::int64_t>(v) * vector);
      }
      add_all<kFrom>(places, weights, std::make_index_sequence<kTo - kFrom>{});
      weight += kPairWeights;
      places.first += kPairBytes;
      places.second += kPairBytes;
    }
  }
};

/// A column of the window, for the columns [from, to) of a tile: ConvLines::possible has the cases. Columns whose
/// window reaches beyond the picture there are left out: no zeros are stored around pictures, nor multiplied.
template <std::size_t R, std::size_t P, std::size_t V>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::always_inline]] inline void add_column(
    Sums<R, P, V>& sums, std::int64_t from, std::int64_t to, const Places<Sums<R, P, V>::kHalf>& places,
    const std::uint16_t* weights, std::int64_t vector, std::int64_t pairs) {
  const std::int64_t missing = static_cast<std::int64_t>(R) - to;
  if (from == 0 && missing == 0) {
    sums.template add_pairs<0, R>(places, weights, vector, pairs);
  }
  if constexpr (R > 1) {
    if (from == 1 && missing == 0) {
      sums.template add_pairs<1, R>(places, weights, vector, pairs);
    } else if (from == 0 && missing == 1) {
      sums.template add_pairs<0, R - 1>(places, weights, vector, pairs);
    }
  }
  if constexpr (R > 2) {
    if (from == 1 && missing == 1) {
      sums.template add_pairs<1, R - 1>(places, weights, vector, pairs);
    } else if (from == 2 && missing == 0) {
      sums.template add_pairs<2, R>(places, weights, vector, pairs);
    } else if (from == 0 && missing == 2) {
      sums.template add_pairs<0, R - 2>(places, weights, vector, pairs);
    }
  }
}

/// The relu and the rounding are done while sums are in registers: VCVTNEPS2BF16 makes 16 numbers of 16 sums.
template <std::size_t R, std::size_t P, std::size_t V>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::always_inline]] inline void store(const Sums<R, P, V>& sums,
                                                                                              const ConvLines& lines,
                                                                                              std::uint16_t* out) {
#pragma GCC unroll 16
  for (std::size_t r = 0; r < P * R; ++r) {
    std::uint16_t* const to =
        out + static_cast<std::int64_t>(r / R) * lines.out_picture + static_cast<std::int64_t>(r % R) * lines.channels;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) {
      // Of two operands, one of which is a NaN, the second is taken.
      const __m512 sum = lines.relu ? _mm512_max_ps(_mm512_setzero_ps(), sums.of[r][v]) : sums.of[r][v];
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + static_cast<std::int64_t>(v) * kLanes),
                          reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sum)));
    }
  }
}

/// A tile of one line of outputs, from its bias to its numbers in memory. The loops are those of the weights' layout:
/// lines of the window, blocks of 16 channels, columns of the window, and within `add_column` eight pairs of channels:
/// what a line of the window has in a block is one stretch of memory. A column of the window moves the same tile along
/// the line of inputs.
template <std::size_t R, std::size_t P, std::size_t V>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::noinline]] void make_tile(const ConvLines& lines,
                                                                                      std::int64_t line,
                                                                                      std::int64_t column,
                                                                                      std::int64_t vector) {
  Sums<R, P, V> sums;
#pragma GCC unroll 4
  for (std::size_t v = 0; v < V; ++v) {
    const float* const bias = lines.bias + (vector + static_cast<std::int64_t>(v)) * kLanes;
    const __m512 begin = lines.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(bias);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < P * R; ++r) {
      sums.of[r][v] = begin;
    }
  }
  // Lines of the window above or below the picture are left out.
  const std::int64_t top = line * lines.stride - lines.pad_top;
  const std::int64_t first_line = std::max<std::int64_t>(0, -top);
  const std::int64_t last_line = std::min(lines.kernel_height, lines.height - top);
  const std::int64_t stride = 2 * lines.src_column;
  // The second base: kReach columns on, or the same columns of the second picture.
  const std::int64_t apart = P == 1 ? static_cast<std::int64_t>(kReach) * stride : 2 * lines.src_picture;
  for (std::int64_t i = first_line; i < last_line; ++i) {
    const std::uint16_t* block_src =
        lines.src + (top + i) * lines.src_line + column * lines.src_column - lines.pad_left * lines.src_place;
    const std::uint16_t* block_weights = lines.weights + vector * lines.weight_vector + i * lines.weight_line;
    for (std::int64_t rest = lines.pairs; rest > 0; rest -= kBlockPairs) {
      const std::uint16_t* src = block_src;
      const std::uint16_t* weights = block_weights;
      for (const ColumnRange& range : lines.columns) {
        const auto* const from = reinterpret_cast<const std::byte*>(src);
        add_column(sums, std::max<std::int64_t>(0, range.begin - column), std::min<std::int64_t>(R, range.end - column),
                   {from, from + apart, stride, 3 * stride, 5 * stride}, weights, lines.weight_vector,
                   std::min(rest, kBlockPairs));
        src += lines.src_place;
        weights += lines.weight_place;
      }
      block_src += 2 * kBlockPairs;
      block_weights += lines.weight_block;
    }
  }
  store(sums, lines, lines.out + (line * lines.width + column) * lines.channels + vector * kLanes);
}

/// One function for each width: a line of any length is then cut into tiles as wide as each other, none of which is a
/// tail.
using Tile = void (*)(const ConvLines& lines, std::int64_t line, std::int64_t column, std::int64_t vector);

/// Of 1, 2, ... columns.
template <std::size_t P, std::size_t V, std::size_t... r>
constexpr auto tiles_of(std::index_sequence<r...> /*columns*/) {
  return std::array<Tile, sizeof...(r)>{&make_tile<r + 1, P, V>...};
}

constexpr auto kTilesOfOne = tiles_of<1, 1>(std::make_index_sequence<kWidest>{});
constexpr auto kTilesOfTwo = tiles_of<1, 2>(std::make_index_sequence<kWidest>{});
constexpr auto kTilesOfThree = tiles_of<1, 3>(std::make_index_sequence<kWidestOfThree>{});
constexpr std::array kTwins{tiles_of<2, 1>(std::make_index_sequence<kTwinColumns>{}),
                            tiles_of<2, 2>(std::make_index_sequence<kTwinColumns>{}),
                            tiles_of<2, 3>(std::make_index_sequence<kTwinColumns>{})};

Tile tile_of(std::size_t columns, std::int64_t vectors, std::int64_t pictures) {
  if (pictures == 2) {
    return kTwins[static_cast<std::size_t>(vectors - 1)][columns - 1];
  }
  return vectors == 1 ? kTilesOfOne[columns - 1] : vectors == 2 ? kTilesOfTwo[columns - 1] : kTilesOfThree[columns - 1];
}

/// 8 x 8 numbers of 8 bytes: three rounds of exchanges of neighbours, by 1, 2 and 4 columns.
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16")]] void transpose(__m512i (&rows)[8]) {
  __m512i pairs[8];  // two rows side by side: of their even columns, of their odd ones
  for (std::size_t i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    pairs[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  for (std::size_t odd = 0; odd < 2; ++odd) {
    __m512i fours[2][2];  // four rows: of their columns 0 and 4, of 2 and 6
    for (std::size_t i = 0; i < 2; ++i) {
      const __m512i& a = pairs[4 * i + odd];
      const __m512i& b = pairs[4 * i + 2 + odd];
      fours[i][0] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i][1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      rows[2 * i + odd] = __builtin_shufflevector(fours[0][i], fours[1][i], 0, 1, 2, 3, 8, 9, 10, 11);
      rows[2 * i + 4 + odd] = __builtin_shufflevector(fours[0][i], fours[1][i], 4, 5, 6, 7, 12, 13, 14, 15);
    }
  }
}

}  // namespace

bool ConvLines::possible() const {
  return std::ranges::all_of(columns, [&](const ColumnRange& range) {
    const std::int64_t missing = width - range.end;
    return range.begin >= range.end ||
           (range.begin <= kMostMissing && missing <= kMostMissing && range.begin + missing <= kMostMissing);
  });
}

void conv_lines_bfloat16(const ConvLines& lines, std::int64_t begin, std::int64_t end, std::int64_t vector,
                         std::int64_t count, std::int64_t pictures) {
  const std::int64_t widest = count == kMostConvVectors ? kWidestOfThree : kWidest;
  // 28 columns are two tiles of 14, 32 three of 10 or 11: never one that is nearly empty.
  const std::int64_t tiles = (lines.width + widest - 1) / widest;
  for (std::int64_t line = begin; line < end; ++line) {
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t column = lines.width * i / tiles;
      const std::int64_t last = lines.width * (i + 1) / tiles;
      tile_of(static_cast<std::size_t>(last - column), count, pictures)(lines, line, column, vector);
    }
  }
}

[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16")]] void transpose_block_bfloat16(const std::uint16_t* from,
                                                                                      std::uint16_t* to) {
  // Of two neighbouring outputs with a pair of inputs each, as 8 bytes: the first and third number change places with
  // the second: a pair of outputs of either input. Then the rows are inputs and the columns pairs of outputs.
  const __m512i exchange =
      _mm512_maskz_broadcast_i32x4(kEvery, _mm_set_epi8(15, 14, 11, 10, 13, 12, 9, 8, 7, 6, 3, 2, 5, 4, 1, 0));
  __m512i rows[8];
  for (std::size_t i = 0; i < 8; ++i) {
    rows[i] = _mm512_shuffle_epi8(_mm512_loadu_si512(from + i * kPairWeights), exchange);
  }
  transpose(rows);
  for (std::size_t i = 0; i < 8; ++i) {
    _mm512_storeu_si512(to + i * kPairWeights, rows[i]);
  }
}

}  // namespace lapel::kernels
