#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/cpu.h"
#include "kernels/ops.h"

/// The arithmetic of a DenseChainOp, on ranges of rows, always in float. Everything that a range needs beside its
/// operands is in the memory of one part, which the caller gives: two parts share nothing that they write.
///
/// A row is of at most 64 numbers (DenseChainOp::kWidest), so that all weights of a layer (16 KiB) and a block of rows
/// (16 KiB) are in caches next to the core. A step of many such rows takes as long as their numbers move: so a block
/// goes through all layers before the next one, and only its last numbers go to memory.
namespace lapel::kernels {

/// Rows of floats in the memory of a part are padded to a multiple of this many numbers, a whole number of vectors of
/// every instruction set. The padding of weights and biases is zero.
inline constexpr std::size_t kChainPad = 16;
/// Rows that go through all layers together: few enough that their intermediates stay in the first-level cache, and
/// whole tiles.
inline constexpr std::size_t kChainBlock = 64;

[[nodiscard]] constexpr std::size_t chain_padded(std::size_t numbers) {
  return (numbers + kChainPad - 1) / kChainPad * kChainPad;
}

/// One layer. Positions are in floats from the start of a part's memory.
struct ChainLayer {
  std::size_t in = 0;
  std::size_t out = 0;
  bool relu = false;
  const float* kernel = nullptr;      ///< in x padded(out)
  const float* bias = nullptr;        ///< padded(out); zeros where there is none
  const float* transposed = nullptr;  ///< out x padded(in)
  std::size_t input_at = 0;           ///< Its input, a block x padded(in). The first layer's is there only as floats of
                                      ///< a bfloat16 input, a block x in.
  std::size_t sums_at = 0;            ///< Gradients: of the kernel, in x padded(out), then of the bias, padded(out).
};

/// The rows of a step, dense: row i of the input has the first layer's `in` numbers, of the output the last one's
/// `out`.
struct ChainRows {
  std::span<const ChainLayer> layers;
  Dtype dtype = Dtype::kFloat32;
  bool rounds = false;  ///< Intermediates and outputs of floats, to what a bfloat16 holds.
  const void* input = nullptr;
  void* output = nullptr;
  /// Of forward, rows x layers: bit k is set where number k of a layer with a relu is positive. May be null.
  std::uint64_t* signs = nullptr;
  Dtype grad_dtype = Dtype::kFloat32;
  const void* output_grad = nullptr;
  void* input_grad = nullptr;  ///< Of `dtype`; may be null.
  std::size_t output_at = 0;   ///< In a part: a block x padded(out of the last layer).
  std::size_t grads_at = 0;    ///< In a part: twice a block x `widest`.
  std::size_t widest = 0;      ///< The largest padded(in) or padded(out).
};

/// The output of rows [begin, end).
void chain_forward(const ChainRows& rows, std::size_t begin, std::size_t end, float* part);

/// Adds the gradients of rows [begin, end) to the sums in `part`, and writes the input's gradient. Reads the input,
/// computes the intermediates again, and reads the output where the last layer has a relu. Computing them again takes
/// less than storing and reading them: they never leave the core's caches.
void chain_backward(const ChainRows& rows, std::size_t begin, std::size_t end, float* part);

/// Row i of `to` is row `pixels[i]` of `table`, of 256 rows of `out` numbers. `stream`: past the caches, where `to` and
/// `out` are of whole vectors.
void chain_look_up(Dtype dtype, const void* table, const std::uint8_t* pixels, std::size_t count, std::size_t out,
                   bool stream, void* to);

/// Adds row i of `grads`, of `out` numbers, to row `pixels[i]` of `sums`, of 256 rows of `out` floats: the transpose of
/// chain_look_up, and so its gradient. In the order of the rows.
void chain_sum_by_pixel(Dtype dtype, const void* grads, const std::uint8_t* pixels, std::size_t count, std::size_t out,
                        float* sums);

}  // namespace lapel::kernels
