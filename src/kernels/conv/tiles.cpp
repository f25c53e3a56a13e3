#include "kernels/conv/tiles.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

using Tag = hn::ScalableTag<float>;
using Floats = hn::Vec<Tag>;
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3;

/// Sums of R rows by V vectors of channels stay in registers over all places, and with kBias the sums of the gradients
/// beside them. Each place costs V loads and R broadcasts for R V multiply-adds. R x V is as much as the registers hold
/// beside V gradients and an input (6 x 4 + 4 + 1 = 29 of 32, 6 x 2 + 2 + 1 = 15 of 16), and eight or more, as a
/// multiply-add waits four cycles for the one before it in its chain and two can start in each.
template <std::size_t R, std::size_t V, bool kBias>
HWY_NOINLINE void sum_tile(const ConvTiles& tiles, std::int64_t row, std::int64_t channel) {
  const Tag d;
  const auto lanes = hn::Lanes(d);
  Floats sums[R + 1][V];
  const float* from[R + 1];
#pragma GCC unroll 16
  for (std::size_t v = 0; v < V; ++v) {
    sums[R][v] = hn::Zero(d);
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < R; ++r) {
    from[r] = static_cast<const float*>(tiles.src) + tiles.rows[row + static_cast<std::int64_t>(r)];
#pragma GCC unroll 16
    for (std::size_t v = 0; v < V; ++v) {
      sums[r][v] = hn::Zero(d);
    }
  }
  const auto* const first_grad = static_cast<const float*>(tiles.grads) + channel;
  for (std::int64_t i = 0; i < tiles.images * tiles.lines; ++i) {
    const std::int64_t image = i / tiles.lines;
    const std::int64_t line = i % tiles.lines;
    const float* grad = first_grad + image * tiles.grad_image + line * tiles.grad_line;
    std::int64_t place = image * tiles.src_image + line * tiles.src_line;
    const std::int64_t end = place + tiles.columns * tiles.src_column;
    for (; place < end; place += tiles.src_column, grad += tiles.grad_column) {
      Floats grads[V];
#pragma GCC unroll 16
      for (std::size_t v = 0; v < V; ++v) {
        grads[v] = hn::LoadU(d, grad + v * lanes);
        if constexpr (kBias) {
          sums[R][v] = hn::Add(sums[R][v], grads[v]);
        }
      }
#pragma GCC unroll 16
      for (std::size_t r = 0; r < R; ++r) {
        const auto x = hn::Set(d, from[r][place]);
#pragma GCC unroll 16
        for (std::size_t v = 0; v < V; ++v) {
          sums[r][v] = hn::MulAdd(x, grads[v], sums[r][v]);
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
      hn::StoreU(tiles.add ? hn::Add(hn::LoadU(d, to + v * lanes), sums[r][v]) : sums[r][v], d, to + v * lanes);
    }
  }
}

/// All rows of V vectors of channels from `row` on, at most R at a time. The sums of the gradients go with the first
/// rows, or where registers are short alone. What fills no tile of R rows goes to tiles of 4, 2 and 1: rows are as the
/// layer has them, and a padded one would be multiplied over the whole depth.
template <std::size_t R, std::size_t V>
HWY_INLINE void sum_rows(const ConvTiles& tiles, std::int64_t row, std::int64_t channel, bool bias) {
  constexpr auto kRows = static_cast<std::int64_t>(R);
  constexpr bool kBiasBeside = (R + 2) * V < (kManyRegisters ? 32 : 16);
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

/// Vectors of channels from the left: as many at once as leave no single one for the end (5 are 3 and 2). A 3x3 window
/// on one channel has 9 rows: with 2 vectors or fewer they are one tile.
void float_tiles(const ConvTiles& tiles) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  std::int64_t channel = 0;
  if constexpr (kManyRegisters) {
    while (channel < tiles.channels) {
      const std::int64_t vectors = (tiles.channels - channel) / lanes;
      if (vectors == 3 || vectors == 5) {
        sum_rows<8, 3>(tiles, 0, channel, tiles.bias);
        channel += 3 * lanes;
      } else if (vectors >= 4) {
        sum_rows<6, 4>(tiles, 0, channel, tiles.bias);
        channel += 4 * lanes;
      } else if (vectors == 2) {
        tiles.row_count % 9 == 0 ? sum_rows<9, 2>(tiles, 0, channel, tiles.bias)
                                 : sum_rows<8, 2>(tiles, 0, channel, tiles.bias);
        channel += 2 * lanes;
      } else {
        sum_rows<9, 1>(tiles, 0, channel, tiles.bias);
        channel += lanes;
      }
    }
  } else {
    for (; channel + 2 * lanes <= tiles.channels; channel += 2 * lanes) {
      sum_rows<6, 2>(tiles, 0, channel, tiles.bias);
    }
    for (; channel < tiles.channels; channel += lanes) {
      sum_rows<6, 1>(tiles, 0, channel, tiles.bias);
    }
  }
}

/// Neighbouring columns of channels lie one after the other, so that pairs are two loads and a shift.
void pair_range(const std::uint16_t* a, const std::uint16_t* b, std::uint32_t* to, std::size_t count) {
  const hn::ScalableTag<std::uint32_t> d32;
  const hn::Rebind<std::uint16_t, decltype(d32)> d16;
  const std::size_t lanes = hn::Lanes(d32);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto low = a == nullptr ? hn::Zero(d32) : hn::PromoteTo(d32, hn::LoadU(d16, a + i));
    const auto high = b == nullptr ? hn::Zero(d32) : hn::PromoteTo(d32, hn::LoadU(d16, b + i));
    hn::StoreU(hn::Or(low, hn::ShiftLeft<16>(high)), d32, to + i);
  }
  for (; i < count; ++i) {
    const std::uint32_t low = a == nullptr ? 0 : a[i];
    const std::uint32_t high = b == nullptr ? 0 : b[i];
    to[i] = low | high << 16U;
  }
}

void parts_range(const float* from, std::size_t parts, std::size_t stride, float* to, std::size_t count) {
  for_each_vector(0, count, [&](auto d, std::size_t i) HWY_ATTR {
    auto sum = load(d, from + i);
    for (std::size_t part = 1; part < parts; ++part) {
      sum = hn::Add(sum, load(d, from + part * stride + i));
    }
    store(d, sum, to + i);
  });
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(float_tiles);
HWY_EXPORT(pair_range);
HWY_EXPORT(parts_range);

}  // namespace

void conv_tiles_float(const ConvTiles& tiles) { HWY_DYNAMIC_DISPATCH(float_tiles)(tiles); }

void pair_bfloat16(const std::uint16_t* a, const std::uint16_t* b, std::uint32_t* to, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(pair_range)(a, b, to, count);
}

void sum_of_parts(const float* from, std::size_t parts, std::size_t stride, float* to, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(parts_range)(from, parts, stride, to, count);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
