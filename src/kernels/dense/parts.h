#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/dense/panels.h"
#include "kernels/update_rule.h"

/// The kernels of dense layers: a matrix product (GEMM) for each pass, over a part of its result, on the calling
/// thread. Operands are words of 32 bits: a float, or two bfloat16 that are neighbours along the axis that is summed
/// over (the depth, a GEMM's K). So float32 and bfloat16 share every loop and every stride, and only the multiplication
/// differs. Each result is summed in the same order whatever the parts are: bits do not depend on the number of
/// threads. Arguments are not checked. DenseOperator makes all of them of one DensePanels, and cuts parts at the
/// multiples that are named below.
namespace lapel::kernels {

/// What is needed next, to be prefetched in one burst before a tile is made: `runs` of `bytes`, `stride` bytes apart.
struct Ahead {
  const void* from = nullptr;
  std::size_t bytes = 0;
  std::size_t stride = 0;
  std::size_t runs = 1;
};

/// What is needed next, and lies in one stretch, of which a tile prefetches a line after every second position of its
/// depth: `row_bytes` for each of its rows. In a burst the prefetches would wait for each other, and the tile for them.
struct Stream {
  const void* from = nullptr;  ///< Null: nothing.
  std::size_t row_bytes = 0;
};
using Streams = std::array<Stream, 2>;  ///< The second one only beside a first one.

/// sums[r][c] = sum over k < depth of a[r a_row_stride + k a_depth_stride] b[k width + c], or added to what is there.
/// B is a packed panel, A is reached by two strides: so one micro-kernel reads A row by row (an input as it lies) and
/// column by column (a batch's columns, for a gradient of weights).
struct TileProduct {
  const std::uint32_t* a = nullptr;  ///< Words, as `b`; strides are in words.
  std::size_t a_row_stride = 0;
  std::size_t a_depth_stride = 0;
  const std::uint32_t* b = nullptr;
  std::size_t depth = 0;  ///< Words, of which one of bfloat16 is two positions of the axis.
  float* sums = nullptr;  ///< Rows of `width` floats, in either type of operands.
  std::size_t rows = 0;
  std::size_t width = 0;    ///< 16, 32 or 64
  std::size_t columns = 0;  ///< That are computed: the first 16, 32, 48 or 64. What is beyond stays as it is.
  bool add = false;
  std::array<Ahead, 4> ahead{};
  Streams streams{};
};

/// Operands of more bytes than this (8 MiB) come from memory, or from the cache that is shared, and are prefetched; for
/// nearer ones that costs more than it saves.
inline constexpr std::size_t kDenseFar = std::size_t{8} << 20U;

[[nodiscard]] inline bool dense_weights_are_far(const DensePanels& panels) {
  return panels.panels * panels.panel_size() * sizeof(std::uint32_t) / panels.group > kDenseFar;
}

/// A stretch of rows or panels.
struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// output = input W + bias, perhaps through relu: batch x in, in x out, batch x out.
struct DenseForward {
  DensePanels panels;
  bool relu = false;
  const std::uint32_t* input = nullptr;
  std::size_t input_words = 0;             ///< From a row to the next: whole words, for which dense_pad_rows is there.
  const std::uint32_t* weights = nullptr;  ///< In panels.
  const float* bias = nullptr;             ///< May be null.
  void* output = nullptr;                  ///< Numbers of the operands' type, rounded from the sums.
};
/// Rows [rows.begin, rows.end) of the outputs of some panels. The input's rows are read where they lie: its products
/// broadcast a word, and so need no order of theirs.
void dense_forward(const DenseForward& dense, const Part& rows, const Part& panels);
/// A layer of few outputs in parts of its inputs: `sums`, batch x width of one panel, are those of `inputs` alone, from
/// a multiple of 16 on. Then the output is made of `parts` such sums of each panel, those of a part one after another:
/// `sums` of dense_add_sums are parts x panels x batch x width. They are added in the order of the parts.
void dense_forward_sums(const DenseForward& dense, const Part& rows, std::size_t panel, const Part& inputs,
                        float* sums);
void dense_add_sums(const DenseForward& dense, std::size_t batch, const Part& rows, const float* sums,
                    std::size_t parts);

/// Rows of bfloat16 with one more number, zero, behind each: from rows of an odd length to whole words.
void dense_pad_rows(const std::uint16_t* from, std::size_t size, std::uint16_t* to, const Part& rows);

/// How many rows of a batch the packed gradients have: a multiple of 4, those beyond the batch being zero. So pairs are
/// whole, transposing goes in blocks of 4 x 4 words, and a product over the batch needs no tail: zeros add nothing.
[[nodiscard]] constexpr std::size_t dense_packed_rows(std::size_t batch) { return (batch + 3) / 4 * 4; }

/// The columns of the stretch of a batch that begins at row `first` in transposed gradients: as few whole vectors as
/// hold what is left of the batch, and at most the 64 of a tile.
[[nodiscard]] constexpr std::size_t dense_transposed_width(std::size_t batch, std::size_t first) {
  return batch - first <= 16 ? 16 : batch - first <= 32 ? 32 : 64;
}

/// Words of transposed gradients.
[[nodiscard]] constexpr std::size_t dense_transposed_words(std::size_t batch, const DensePanels& panels) {
  return (batch + 63) / 64 * 64 * panels.panels * panels.width / panels.group;
}

/// The gradient of the output, zero where relu gave zero, in two orders: both gradients multiply by it, along different
/// axes. What lies beyond the batch is zero; in `packed` also what lies beyond the outputs.
struct DensePack {
  DensePanels panels;
  std::size_t batch = 0;
  const void* output_grad = nullptr;  ///< batch x out
  const void* output = nullptr;       ///< batch x out, whose sign is the relu's mask; null without relu.
  /// For each panel, for each row of the batch (of pairs of them: each word has both), the panel's outputs.
  std::uint32_t* packed = nullptr;
  /// For each 64 rows of the batch, for each output (each pair), the rows; null where not wanted.
  std::uint32_t* transposed = nullptr;
};
void dense_pack(const DensePack& pack, const Part& panels);

/// The gradient of the input, dx = dy W': batch x in, summed over the outputs, panel after panel.
struct DenseInputGrad {
  DensePanels panels;
  std::size_t batch = 0;
  const std::uint32_t* transposed = nullptr;  ///< DensePack's.
  const std::uint32_t* weights = nullptr;     ///< Those before the step: must run before any of them changes.
  void* input_grad = nullptr;                 ///< batch x in, overwritten.
};
/// `rows` are those of the weights: inputs. It begins at a multiple of 16.
void dense_input_grad(const DenseInputGrad& dense, const Part& rows);

/// The gradient of weights and bias, dW = x' dy: in x out in the order of the panels, summed over the batch. Stored, or
/// applied at once as `rule` says: the gradient is then neither written nor read again, which saves 8 of the 32 bytes
/// that gradient and Adam move for each weight.
struct DenseWeightGrad {
  DensePanels panels;
  std::size_t batch = 0;
  const void* input = nullptr;            ///< batch x in
  const std::uint32_t* packed = nullptr;  ///< DensePack's.
  float* grads = nullptr;                 ///< Null with a rule.
  float* bias_grads = nullptr;            ///< Null with a rule, or without a bias.
  const UpdateRule* rule = nullptr;
  const UpdateRule* bias_rule = nullptr;
  UpdateTarget target;
  UpdateTarget bias_target;  ///< Empty without a bias.
  /// Made as well, of weights before they change: see dense_updates_with_input_grad. Null: not here.
  const DenseInputGrad* input_grad = nullptr;
};
/// Whether a gradient of weights that is applied can make that of the input, so that weights from memory are read once:
/// of as many rows of a batch as one block of sums has (64). With more, each weight would be needed again for the next
/// 64 rows after it had changed. `panels` of dense_weight_grad are all of them then, as the input's gradient sums over
/// all outputs.
[[nodiscard]] inline bool dense_updates_with_input_grad(const DensePanels& panels, std::size_t batch) {
  return dense_weights_are_far(panels) && batch <= 64;
}
/// Whether a gradient of weights that is applied reads the input where it lies: floats in whole tiles, so that no tile
/// reads beyond a row's end or the batch's.
[[nodiscard]] inline bool dense_reads_input_in_place(const DensePanels& panels, std::size_t batch) {
  return panels.group == 1 && panels.in == panels.rows && batch == dense_packed_rows(batch);
}
/// Whether such a gradient first packs the input of all its rows, which then still leaves room for the weights in the
/// second cache (the pack takes at most 128 KiB), instead of 64 columns at a time.
[[nodiscard]] inline bool dense_packs_whole_input(const DensePanels& panels, std::size_t batch) {
  constexpr std::size_t kMostWords = std::size_t{1} << 15U;
  return !dense_reads_input_in_place(panels, batch) &&
         dense_packed_rows(batch) / panels.group * panels.rows <= kMostWords;
}
/// Words of a thread's packed input.
[[nodiscard]] inline std::size_t dense_input_words(const DensePanels& panels, std::size_t batch) {
  const std::size_t columns = dense_packs_whole_input(panels, batch) ? (panels.rows + 63) / 64 * 64 : 64;
  return dense_packed_rows(batch) / panels.group * columns;
}
/// `input_pack`: dense_input_words. `rows` as above, multiples of 16.
void dense_weight_grad(const DenseWeightGrad& dense, std::uint32_t* input_pack, const Part& rows, const Part& panels);
void dense_bias_grad(const DenseWeightGrad& dense, const Part& panels);

/// One block of a gradient of weights, of at most 64 inputs of one panel, from operands that are in order already.
struct DenseWeightBlock {
  const std::uint32_t* input = nullptr;   ///< `depth` rows of words, of which the first `rows` are multiplied,
  std::size_t input_words = 0;            ///< so far apart.
  const std::uint32_t* packed = nullptr;  ///< depth x width: the gradient of the panel's outputs.
  std::size_t depth = 0;
  Part rows;  ///< Inputs, from a multiple of 16 on.
  std::size_t panel = 0;
};
/// Stores it or applies it, as `dense` says, of which `input` and `packed` have no part in it.
void dense_weight_grad_block(const DenseWeightGrad& dense, const DenseWeightBlock& block);

}  // namespace lapel::kernels
