#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/conv/tiles.h"
#include "kernels/cpu.h"
#include "kernels/onednn/product.h"
#include "kernels/ops.h"
#include "kernels/weight_layout.h"

namespace lapel::kernels {

/// dW[i][j][c][o] = the sum over pictures and outputs (y, x) of in[y stride - pad_top + i][x stride - pad_left + j][c]
/// dy[y][x][o], and db[o] that of dy.
///
/// Backward-weights of a convolution without unfolding it: the gradient of the weights at one place of the window and
/// one input channel is a sum of products of single inputs with vectors of output gradients. Pictures are divided among
/// threads, and the sums of the threads added in their order: same threads, same bits. In bfloat16, two neighbouring
/// columns are multiplied at once; of only 16 output channels, those at each column of the window are summed together.
///
/// It reads pictures as they lie (in bfloat16 as pairs) and writes whatever layout the weights have, so that no
/// gradient is reordered: 1 to 32 channels of 28 x 28, batch 32, in float32 take 0.025 ms for 0.111 by oneDNN; 32 to
/// 64 of 13 x 13 in bfloat16 0.166 ms for 0.200.
class ConvGradient final : public WeightGradient {
 public:
  /// Whether this is the way to compute it, here and for these sizes; a rule, not a measurement.
  [[nodiscard]] static bool is_supported(const Conv2DOp& op, Dtype dtype, const Cpu& cpu);

  /// `kernel`: how the weights are stored. Threads are those of the enclosing ThreadScope, at most one a picture. Only
  /// of what is_supported.
  ConvGradient(const Conv2DOp& op, Dtype dtype, std::int64_t batch, const WeightLayout& kernel);

  [[nodiscard]] std::string implementation() const override;
  [[nodiscard]] std::size_t scratch_bytes() const override;

  /// `input` and `output_grad` are dense n, h, w, c, of the type given before. `kernel_grad` is overwritten in the
  /// layout of the weights, its padding with zeros; `bias_grad` is null without a bias.
  void run(const void* input, const void* output_grad, float* kernel_grad, float* bias_grad,
           void* scratch) const override;

 private:
  /// The sums of one thread, and the pictures it works on.
  struct Part {
    std::int64_t begin;
    std::int64_t end;
    float* sums;
    std::byte* packed;
  };

  /// Rows of sums that are made together: those of one line of the window, over the lines of outputs whose windows have
  /// it within the picture; or where input channels are few all rows, over pictures with zeros above and below too. So
  /// zeros are multiplied only beside pictures, and above them where a tile would otherwise have too few rows.
  struct RowGroup {
    std::int64_t first_row;
    std::int64_t rows;
    std::int64_t src_at;  ///< Of the first place, in a picture.
    std::int64_t grad_at;
    std::int64_t lines;
  };

  /// A picture with zeros around it, or pairs of its columns with zeros around them.
  struct Padded {
    Shape picture;
    std::int64_t top, left;      ///< Zeros before it,
    std::int64_t height, width;  ///< and sizes with all zeros.
    std::int64_t pair_stride;    ///< Columns from the first number of a pair to the second.
  };

  [[nodiscard]] bool pairs() const { return dtype_ == Dtype::kBfloat16; }
  [[nodiscard]] std::size_t sums_bytes() const;
  [[nodiscard]] std::int64_t src_line() const;
  [[nodiscard]] std::int64_t src_lines() const { return columns_are_outputs_ ? op_.in.height : padded_.height; }
  [[nodiscard]] std::int64_t grad_line() const;
  void divide_rows(const std::array<std::vector<std::int64_t>, 4>& places);
  [[nodiscard]] std::size_t packed_src() const;
  [[nodiscard]] std::size_t packed_grads() const;
  [[nodiscard]] RowGroup group_of(std::int64_t kernel_y) const;
  void sum_part(const Part& part, const void* input, const void* output_grad, bool bias) const;
  template <class Number>
  void sum_groups(ConvTiles tiles, float* sums, const Number* src, const Number* grads, bool bias) const;
  void pad(const float* picture, float* to) const;
  void make_pairs(const std::uint16_t* input, const std::uint16_t* output_grad, std::uint32_t* src,
                  std::uint32_t* grads) const;
  void pad_pairs(const std::uint16_t* picture, std::uint32_t* to) const;
  static void pair_columns(const Shape& shape, const std::uint16_t* picture, std::uint32_t* to);
  void write_row(std::int64_t row, const float* sums, float* kernel_grad) const;

  Conv2DOp op_;
  Dtype dtype_;
  std::int64_t batch_;
  std::int64_t parts_;
  bool few_channels_;         ///< All rows are one group.
  bool columns_are_outputs_;  ///< Those of the window.
  bool packed_;               ///< Whether inputs are copied: with zeros around them, or as pairs.
  Padded padded_{};           ///< Of the input; of the output's gradient if columns are outputs.
  std::int64_t columns_;      ///< Of what is not padded, pairs counted as one.
  std::int64_t images_;       ///< That a thread works on at a time.
  std::size_t packed_size_;   ///< Numbers in `kernel_grad`.
  std::vector<RowGroup> groups_;
  std::vector<std::int64_t>
      row_offsets_;                       ///< Of the rows of one group: from its src_at to where the row's factor lies.
  std::vector<std::int64_t> row_places_;  ///< Where each row's gradients go: its part,
  std::vector<std::int64_t> output_places_;  ///< and that of each output.
};

}  // namespace lapel::kernels
