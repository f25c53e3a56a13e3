#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/conv/lines.h"
#include "kernels/cpu.h"
#include "kernels/ops.h"
#include "kernels/weight_layout.h"

namespace lapel::kernels {

/// A convolution in bfloat16, without unfolding it: sums of a line's outputs stay in registers while the window's
/// places and channels pass by. Sums are made in the same order whatever the batch and the number of threads.
/// This divides the work and readies memory; lines.h is the arithmetic.
class ConvForward {
 public:
  /// Whether this is the way to compute it, here and for these sizes; a rule, not a measurement.
  [[nodiscard]] static bool is_supported(const Conv2DOp& op, Dtype dtype, const Cpu& cpu);

  /// How weights must be stored: blocks of 16 outputs by 16 inputs in pairs, or the plain order where each line of the
  /// window is taken as one place, for few or odd input channels.
  [[nodiscard]] static WeightLayout layout(const Conv2DOp& op);

  /// The convolution that gives the gradient of the input of `op`, of strides of 1. Its weights are those of
  /// transpose_weights(). Output y of `op` reads input y - pad_top + i with w[i]; so input y takes the gradient of
  /// output y + pad_top - i, a cross-correlation with the window reversed and kernel - 1 - pad zeros before it.
  [[nodiscard]] static Conv2DOp transposed(const Conv2DOp& op);

  /// Threads are those of the enclosing ThreadScope.
  ConvForward(const Conv2DOp& op, std::int64_t batch);

  [[nodiscard]] std::size_t scratch_bytes() const;

  /// Arrays are dense n, h, w, c, `batch` pictures; `bias` is null without one. `scratch` is of scratch_bytes().
  void run(const std::uint16_t* input, const std::uint16_t* weights, const float* bias, std::uint16_t* output,
           void* scratch) const;

 private:
  /// Vectors of outputs that are made together.
  struct Group {
    std::int64_t first;
    std::int64_t count;
  };

  void group_vectors(std::int64_t batch);
  [[nodiscard]] std::int64_t units_of_picture() const;
  [[nodiscard]] std::size_t packed_bytes() const;
  [[nodiscard]] std::size_t picture_bytes() const;
  void pack(const std::uint16_t* weights, std::uint16_t* packed) const;
  void pad(const std::uint16_t* picture, std::int64_t first, std::int64_t last, std::uint16_t* to) const;
  void run_part(ConvLines lines, const std::uint16_t* input, std::int64_t begin, std::int64_t end,
                std::uint16_t* padded) const;

  Conv2DOp op_;
  bool lines_as_places_;
  std::int64_t batch_;
  int threads_;
  /// Whether threads divide the lines of a picture, not its groups: then they read what they made themselves.
  bool shares_pictures_ = false;
  std::int64_t together_ = 1;  ///< Pictures that are made at once.
  std::vector<Group> groups_;
  ConvLines lines_;  ///< All but the arrays.
};

/// The weights of ConvForward::transposed(op), from those of `op` in their layout: of each block of 16 x 16 the pairs
/// are of the other channels, and the places of the window are in the reverse order.
void transpose_weights(const Conv2DOp& op, const std::uint16_t* weights, std::uint16_t* transposed);

}  // namespace lapel::kernels
