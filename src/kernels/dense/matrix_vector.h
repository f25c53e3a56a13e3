#pragma once

#include <cstddef>

/// The arithmetic of a Dense layer on a single row.
namespace lapel::kernels {

/// Columns of a weight matrix that are multiplied together; a stretch of at most so many.
inline constexpr std::size_t kVectorColumns = 64;
/// Stretches are multiples of this, a whole number of vectors of every instruction set.
inline constexpr std::size_t kVectorPad = 16;

/// to[c] = the sum over i < `count` of x[i] times weights[i stride + c], for c < `columns`, a multiple of kVectorPad
/// and at most kVectorColumns. Distances are in floats; `weights` may lie anywhere, and none beyond `columns` is read.
/// The order of a sum depends on `columns` and the instruction set, not on the caller's division.
void matrix_vector(const float* x, std::size_t count, const float* weights, std::size_t stride, std::size_t columns,
                   float* to);

}  // namespace lapel::kernels
