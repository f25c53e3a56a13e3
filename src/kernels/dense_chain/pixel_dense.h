#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/dense/parts.h"
#include "kernels/dense_chain/pixel_index.h"

/// The kernels of a DenseOnPixelsOp, each over a part of its work, on the calling thread. Its input is, for each place
/// of a picture, one of the 256 rows of a table; so products are made once for each of the place's nodes (PixelIndex),
/// from which those of its other pixels follow.
///
/// With T the table, W the weights of one place (numbers x width of a panel), v(n) the pixel of picture n there: the
/// layer's sum of picture n is the sum over places of T[v(n)] W. A batch has some hundred pictures and, at a place,
/// fewer different pixels, of which one is most frequent; with relus in the chain there are fewer nodes still (of
/// dense-on-pixels 3 a place at a training's start and 19 after it, where 117 pixels differ). So the GEMM has as many
/// rows as there are nodes, and what is done for each picture is an addition: forward adds a row of products to the
/// picture's sums, backward adds the picture's gradient to a node's. The input, batch x places x numbers, is never
/// made.
namespace lapel::kernels {

/// What all of them read. Nothing is checked: the operator makes it, and `fits_dense_on_pixels` has the limits.
struct PixelDense {
  DensePanels panels;       ///< Of the weights. `in` is places x numbers.
  std::size_t places = 0;   ///< Of a picture.
  std::size_t numbers = 0;  ///< What a pixel becomes: as many, a multiple of 16, at most 64.
  std::size_t batch = 0;
  const void* table = nullptr;  ///< 256 x numbers, in the type of the panels.
  const std::uint32_t* weights = nullptr;
  PixelIndex index;
  const std::uint8_t* pixels = nullptr;      ///< The data set's,
  std::span<const std::uint32_t> samples{};  ///< and which picture each row is.
};

/// Floats of memory that the functions below need for themselves: most of all pixel_dense_forward. Six units of 256
/// rows of 64 numbers (64 KiB), the most that a place can have.
inline constexpr std::size_t kPixelDenseFloats = 6 * kPixelValues * 64;

/// sums[row][column], batch x width: what the places [begin, end) give to the outputs of one panel. `places` are summed
/// in their order.
void pixel_dense_forward(const PixelDense& dense, const Part& places, std::size_t panel, float* memory, float* sums);

/// The same without an index, for batches of at most kFewRows, whose pixels are mostly different: to find equal ones
/// would take longer than to multiply them.
inline constexpr std::size_t kFewRows = 31;
void pixel_dense_forward_few(const PixelDense& dense, const Part& places, std::size_t panel, float* memory,
                             float* sums);

/// Rows of the output, from `parts` sums for each panel, of batch x width each, which are added in their order.
struct PixelDenseFinish {
  const float* sums = nullptr;
  std::size_t parts = 0;
  const float* bias = nullptr;  ///< May be null.
  bool relu = false;
  void* output = nullptr;
};
void pixel_dense_finish(const PixelDense& dense, const PixelDenseFinish& finish, const Part& rows);

/// The gradient of the sums, zero where a relu gave zero: for each panel, batch x width numbers in the type of the
/// panels, zeros beyond the outputs. `output` is null without a relu.
void pixel_dense_load_grad(const PixelDense& dense, const void* output_grad, const void* output, const Part& panels,
                           void* grads);

/// The bias of one panel's outputs, from its gradients of above: stores or applies its gradient.
void pixel_dense_bias_grad(const PixelDense& dense, const DenseWeightGrad& weight, const void* grads,
                           std::size_t panel);

/// Of the places [begin, end) and one panel: adds the gradient of the table to `table_grads`, 256 x numbers, and stores
/// or applies, after that, that of the weights. The order matters: the table's gradient needs the weights of before.
/// Who calls gives each task its own `table_grads`, and no two tasks the same weights.
void pixel_dense_backward(const PixelDense& dense, const DenseWeightGrad& weight, const void* grads, const Part& places,
                          std::size_t panel, float* memory, float* table_grads);

}  // namespace lapel::kernels
