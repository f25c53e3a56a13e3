#pragma once

#include <cstdint>
#include <vector>

/// The inner loops of a convolution's forward pass in bfloat16, over one picture that forward.cpp has made ready.
///
/// It is a direct convolution: no im2col, whose matrix would be a window's places times the picture, written and read
/// through the caches. A line's neighbouring outputs meet neighbouring inputs, so that the GEMM's rows are columns of
/// the picture as they lie, its depth the window's places and channels, and its columns the outputs.
namespace lapel::kernels {

/// Outputs of a line whose window has its column j within the picture: [begin, end).
struct ColumnRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// out[y][x][o] = act(bias[o] + sum over i, j, c of src[y stride - pad_top + i][x stride - pad_left + j][c]
/// w[i][j][c][o]); places beyond the picture are left out. Distances are in numbers, between places of memory. Channels
/// c are multiplied in pairs of neighbours, outputs o in vectors of 16.
struct ConvLines {
  const std::uint16_t* src = nullptr;
  std::int64_t height = 0;  ///< Lines of src.
  std::int64_t src_line = 0;
  std::int64_t src_picture = 0;  ///< To the next picture, where two are made at once.
  std::int64_t src_column = 0;   ///< Between the windows of neighbouring outputs,
  std::int64_t src_place = 0;    ///< and between neighbouring places of a window.
  std::int64_t stride = 1;       ///< Lines of src from a line of outputs to the next.
  std::int64_t pad_top = 0, pad_left = 0;
  std::int64_t kernel_height = 0;
  std::vector<ColumnRange> columns;  ///< For each column of the window.
  std::int64_t pairs = 0;            ///< At each place.

  /// A pair of channels has 16 outputs one after another, 32 numbers: a vector as VDPBF16PS reads it. Eight pairs
  /// follow each other.
  const std::uint16_t* weights = nullptr;
  std::int64_t weight_vector = 0;  ///< To the next 16 outputs,
  std::int64_t weight_block = 0;   ///< the next eight pairs,
  std::int64_t weight_line = 0;    ///< the next line
  std::int64_t weight_place = 0;   ///< and place of the window.
  const float* bias = nullptr;     ///< Null without one.
  bool relu = false;

  std::uint16_t* out = nullptr;
  std::int64_t width = 0;     ///< Columns.
  std::int64_t channels = 0;  ///< A multiple of 16.
  std::int64_t out_picture = 0;

  /// Whether a line can be made: at most two outputs at either end of it lack a column of the window, and one at either
  /// end if both do. That is all windows of up to 5 columns with the picture's size kept; the columns of a tile that
  /// take part are constants in the code, and there are code for these cases alone.
  [[nodiscard]] bool possible() const;
};

/// Most vectors of outputs that are made together.
inline constexpr std::int64_t kMostConvVectors = 3;

/// Lines of so few columns are too little for the registers; those of two pictures are made at once.
inline constexpr std::int64_t kTwinColumns = 4;

/// Makes lines [begin, end) of `count` vectors of outputs (1 to kMostConvVectors) from vector `vector` on, of one
/// picture or, of at most kTwinColumns columns, of two. Only where the CPU has AVX512-BF16, and `possible()`.
void conv_lines_bfloat16(const ConvLines& lines, std::int64_t begin, std::int64_t end, std::int64_t vector,
                         std::int64_t count, std::int64_t pictures = 1);

/// The weights of a convolution that gives the gradient of another's input: of 16 inputs by 16 outputs, both in pairs,
/// to[o][p] = from[p][o], with places in the layout of `weights` above (256 numbers). Eight vectors, transposed in
/// registers: it is done to all weights in each training step.
void transpose_block_bfloat16(const std::uint16_t* from, std::uint16_t* to);

}  // namespace lapel::kernels
