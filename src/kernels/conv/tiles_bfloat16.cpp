#include <immintrin.h>

#include "kernels/conv/tiles.h"

/// Highway 1.0.3 has no target with AVX512-BF16, so these loops name its instruction themselves. Who calls them has
/// asked whether the CPU has it (Cpu::fast_bfloat16).
namespace lapel::kernels {
namespace {

constexpr std::int64_t kLanes = 16;
/// A pair of ones: its products with gradients are their sum.
constexpr std::int32_t kOnes = 0x3F803F80;

/// As sum_tile of tiles.cpp; each multiply-add takes two outputs. The instruction rounds to nearest and takes denormals
/// as zero.
template <std::size_t R, std::size_t V, bool kBias>
[[gnu::target("avx512f,avx512bw,avx512vl,avx512bf16"), gnu::noinline]] void sum_tile(const ConvTiles& tiles,
                                                                                     std::int64_t row,
                                                                                     std::int64_t channel) {
  __m512 sums[R + 1][V];
  const std::int32_t* from[R + 1];
  const auto ones = reinterpret_cast<__m512bh>(_mm512_set1_epi32(kOnes));
#pragma GCC unroll 16
  for (std::size_t v = 0; v < V; ++v) {
    sums[R][v] = _mm512_setzero_ps();
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < R; ++r) {
    from[r] = static_cast<const std::int32_t*>(tiles.src) + tiles.rows[row + static_cast<std::int64_t>(r)];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      sums[r][v] = _mm512_setzero_ps();
    }
  }
  const auto* const first_grad = static_cast<const std::uint32_t*>(tiles.grads) + channel;
  for (std::int64_t i = 0; i < tiles.images * tiles.lines; ++i) {
    const std::int64_t image = i / tiles.lines;
    const std::int64_t line = i % tiles.lines;
    const std::uint32_t* grad = first_grad + image * tiles.grad_image + line * tiles.grad_line;
    std::int64_t place = image * tiles.src_image + line * tiles.src_line;
    const std::int64_t end = place + tiles.columns * tiles.src_column;
    for (; place < end; place += tiles.src_column, grad += tiles.grad_column) {
      __m512i grads[V];
#pragma GCC unroll 16
      for (std::size_t v = 0; v < V; ++v) {
        grads[v] = _mm512_loadu_si512(grad + static_cast<std::int64_t>(v) * kLanes);
        if constexpr (kBias) {
          sums[R][v] = _mm512_dpbf16_ps(sums[R][v], ones, reinterpret_cast<__m512bh>(grads[v]));
        }
      }
#pragma GCC unroll 16
      for (std::size_t r = 0; r < R; ++r) {
        const __m512i x = _mm512_set1_epi32(from[r][place]);
#pragma GCC unroll 16
        for (std::size_t v = 0; v < V; ++v) {
          sums[r][v] =
              _mm512_dpbf16_ps(sums[r][v], reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(grads[v]));
        }
      }
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < R + (kBias ? 1 : 0); ++r) {
    const std::int64_t to_row = r < R ? row + static_cast<std::int64_t>(r) : tiles.row_count;
    float* const to = tiles.sums + to_row * tiles.channels + channel;
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      float* const at = to + static_cast<std::int64_t>(v) * kLanes;
      _mm512_storeu_ps(at, tiles.add ? _mm512_add_ps(_mm512_loadu_ps(at), sums[r][v]) : sums[r][v]);
    }
  }
}

/// As sum_rows of tiles.cpp. The pair of ones takes a register as well.
template <std::size_t R, std::size_t V>
void sum_rows(const ConvTiles& tiles, std::int64_t row, std::int64_t channel, bool bias) {
  constexpr auto kRows = static_cast<std::int64_t>(R);
  constexpr bool kBiasBeside = (R + 2) * V + 2 <= 32;
  if constexpr (!kBiasBeside) {
    if (bias) {
      sum_tile<0, V, true>(tiles, row, channel);
      bias = false;
    }
  }
  for (; row + kRows <= tiles.row_count; row += kRows) {
    if (kBiasBeside && bias) {
      sum_tile<R, V, kBiasBeside>(tiles, row, channel);
      bias = false;
    } else {
      sum_tile<R, V, false>(tiles, row, channel);
    }
  }
  if constexpr (R > 1) {
    sum_rows<(R > 4 ? 4 : R / 2), V>(tiles, row, channel, bias);
  } else if (bias) {
    sum_tile<0, V, true>(tiles, row, channel);
  }
}

}  // namespace

// Tiles as those of float_tiles.
void conv_tiles_bfloat16(const ConvTiles& tiles) {
  std::int64_t channel = 0;
  while (channel < tiles.channels) {
    const std::int64_t vectors = (tiles.channels - channel) / kLanes;
    if (vectors == 3 || vectors == 5) {
      sum_rows<8, 3>(tiles, 0, channel, tiles.bias);
      channel += 3 * kLanes;
    } else if (vectors >= 4) {
      sum_rows<6, 4>(tiles, 0, channel, tiles.bias);
      channel += 4 * kLanes;
    } else if (vectors == 2) {
      tiles.row_count % 9 == 0 ? sum_rows<9, 2>(tiles, 0, channel, tiles.bias)
                               : sum_rows<8, 2>(tiles, 0, channel, tiles.bias);
      channel += 2 * kLanes;
    } else {
      sum_rows<9, 1>(tiles, 0, channel, tiles.bias);
      channel += kLanes;
    }
  }
}

}  // namespace lapel::kernels
