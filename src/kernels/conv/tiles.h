#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops of a convolution's backward-weights, over pictures that gradient.cpp has made ready. The numbers
/// that are multiplied are floats, or pairs of bfloat16: of two neighbouring outputs, the first in the lower half.
///
/// As a GEMM: the sums are rows (a place of the window and an input channel) by output channels, and the depth is all
/// outputs of all pictures, some ten thousand positions. So a tile of sums stays in registers over many lines, and what
/// passes by is inputs, one at a time and broadcast, and vectors of gradients. Nothing is unfolded: a row of A is the
/// picture itself, from another first place.
namespace lapel::kernels {

/// sums[k][c] (+)= sum over pictures, lines and columns of src[rows[k] + place] grads[place][c], where the place of
/// picture n, line y and column x is n image + y line + x column (numbers, of each array its own). A column of pairs is
/// two outputs wide.
struct ConvTiles {
  const void* src = nullptr;
  const void* grads = nullptr;
  std::int64_t images = 0, lines = 0, columns = 0;
  std::int64_t src_image = 0, src_line = 0, src_column = 0;
  std::int64_t grad_image = 0, grad_line = 0, grad_column = 0;
  const std::int64_t* rows = nullptr;
  std::int64_t row_count = 0;
  std::int64_t channels = 0;  ///< A multiple of 16.
  float* sums = nullptr;      ///< row_count x channels (may be none), and if `bias` one more row, the sums of grads.
  bool bias = false;
  bool add = false;  ///< Else `sums` is overwritten.
};

/// Of floats. Bounds are the caller's: rows[k] + place and place + channels lie within the arrays for all of them.
void conv_tiles_float(const ConvTiles& tiles);

/// Of pairs of bfloat16. Only where the CPU has AVX512-BF16.
void conv_tiles_bfloat16(const ConvTiles& tiles);

/// to[i] = the pair of a[i] and b[i]; a null one is zeros.
void pair_bfloat16(const std::uint16_t* a, const std::uint16_t* b, std::uint32_t* to, std::size_t count);

/// to[i] = sum over parts of from[part * stride + i], in the order of the parts.
void sum_of_parts(const float* from, std::size_t parts, std::size_t stride, float* to, std::size_t count);

}  // namespace lapel::kernels
