#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/dense/parts.h"
#include "kernels/dense_chain/chain.h"
#include "kernels/dense_chain/pixel_index.h"
#include "kernels/operator.h"

namespace lapel::kernels {

/// Sums over many rows are made over some of them by themselves, then added up in the order of the rows: the same bits
/// for any number of threads, and fewer roundings (an error that grows with the rows of a part and the number of parts,
/// not with all rows). As many as that are the parts of `rows` rows: one for each 2048, at most 32.
[[nodiscard]] std::size_t chain_parts(std::int64_t rows);

/// The rows of part `part` of `parts`, which cover all rows and differ by one at most.
[[nodiscard]] Part rows_of_part(std::size_t rows, std::int64_t part, std::size_t parts);

/// The plain layouts of a chain's weights.
[[nodiscard]] std::vector<WeightLayout> chain_layouts(const DenseChainOp& op);

/// Throws Error (kInternal) for layers that do not follow each other, or are wider than DenseChainOp::kWidest.
void check_chain(const DenseChainOp& op);

/// The layers of a chain over any number of rows, with their weights as the kernels read them and the memory of the
/// parts: what the operators of chains are made of.
///
/// Scratch holds the packed weights of all layers, then for each part: a block of every layer's input, the sums of its
/// gradients, a block of the last output, and two of gradients.
class ChainLayers {
 public:
  ChainLayers(const DenseChainOp& op, const BuildOptions& options, std::size_t rows, std::size_t parts);

  [[nodiscard]] std::size_t scratch_bytes() const { return (packed_size_ + parts_ * part_size_) * sizeof(float); }

  /// Weights and their gradients, in the plain order, and scratch of scratch_bytes(). They may be bound again. Weights
  /// are of the options' type, biases and gradients floats.
  void bind(std::span<const void* const> weights, std::span<float* const> weight_grads, void* scratch);

  /// `rows`: all but what the chain knows. Over all threads.
  void forward(ChainRows rows);
  /// Overwrites the gradients of the weights.
  void backward(ChainRows rows);

 private:
  /// Floats of a layer's weights: kernel, bias, and the kernel transposed for the gradient of its input.
  [[nodiscard]] std::size_t packed_size(const ChainLayer& layer) const;
  std::size_t take(std::size_t floats);
  [[nodiscard]] float* memory_of(std::int64_t part) const;
  void complete(ChainRows& rows) const;
  [[nodiscard]] float kernel_at(const void* kernel, std::size_t i) const;
  void pack();
  void add_parts(std::size_t at, std::size_t rows, std::size_t columns, float* to) const;

  DenseChainOp op_;
  BuildOptions options_;
  std::size_t rows_;
  std::size_t parts_;
  std::vector<ChainLayer> layers_;
  std::size_t widest_ = 0;
  std::size_t packed_size_ = 0;
  std::size_t part_size_ = 0;
  std::size_t output_at_ = 0;
  std::size_t grads_at_ = 0;
  std::vector<const void*> weights_;
  std::vector<float*> weight_grads_;
  float* packed_ = nullptr;
  float* memory_ = nullptr;
};

/// A chain on pixels: what each of the numbers that a pixel can be becomes. A pixel is a byte, so that a chain of one
/// input is a function with 256 arguments; each is computed once a step, whatever the batch.
class PixelTable {
 public:
  /// `op.pixel_scale` is present, and the first layer takes one number. `rounds`: numbers are those that bfloat16 would
  /// be, whatever their type.
  PixelTable(const DenseChainOp& op, const BuildOptions& options, bool rounds);

  /// Of the table, 256 rows of the last layer's outputs in the type of the options.
  [[nodiscard]] std::size_t bytes() const { return kPixelValues * out_ * dtype_bytes(dtype_); }
  [[nodiscard]] std::size_t scratch_bytes() const { return chain_.scratch_bytes(); }
  void bind(std::span<const void* const> weights, std::span<float* const> weight_grads, void* scratch) {
    chain_.bind(weights, weight_grads, scratch);
  }

  /// Fills `table`, of `bytes()`, and notes the signs from which number_pieces is made.
  void forward(void* table);
  /// After forward, from dark to bright pixels: the number of the piece that each is in. What the pixels of a piece
  /// become lies on a line, as the same numbers are positive behind each relu: a net of linear layers and relus is
  /// piecewise linear in its one input, and a piece ends where a relu's sign changes. In bfloat16 the table's numbers
  /// are rounded to it, those between nodes follow the line.
  void number_pieces(std::span<std::uint8_t, kPixelValues> pieces) const;
  /// Fills the gradients of the weights from those of the table, floats: row v is the sum of the output's gradients
  /// over all pixels of the batch that are v. `table` is forward's.
  void backward(void* table, const float* table_grads);

 private:
  [[nodiscard]] ChainRows operands(void* table) const;

  Dtype dtype_;
  bool rounds_;
  std::size_t out_;
  std::vector<float> wide_values_;
  std::vector<std::uint16_t> narrow_values_;
  std::vector<std::uint64_t> signs_;
  ChainLayers chain_;
};

}  // namespace lapel::kernels
