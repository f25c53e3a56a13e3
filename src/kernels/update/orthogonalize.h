#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lapel::kernels {

/// Numbers of scratch memory that `orthogonalize` wants.
[[nodiscard]] std::size_t orthogonalize_scratch(std::int64_t rows, std::int64_t columns);

/// Brings the singular values of a matrix (rows x columns, row-major) near 1 and keeps its singular vectors, by so many
/// Newton-Schulz steps of fifth order, as Muon does (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon):
///   X = G / (|G| + 1e-7), then A = X X^T, X = a X + (b A + c A A) X with (a, b, c) = (3.4445, -4.7750, 2.0315),
/// or, where there are more rows than columns, the same of the transposed matrix. Over all threads, in float32;
/// several steps are put together where that saves products (README.md). `length` is |G|, the root of the sum of
/// squares. Overwrites the matrix; the result lies in it or in `scratch`, of orthogonalize_scratch(rows, columns)
/// numbers. `steps` is 1 at least. The coefficients are Muon's: singular values come
/// near 1 and not to 1, in few steps, for the slope at 0 is steep. Throws Error (kInternal) where oneDNN refuses a
/// product.
[[nodiscard]] std::span<float> orthogonalize(std::span<float> matrix, std::int64_t rows, std::int64_t columns,
                                             int steps, double length, std::span<float> scratch);

/// Plain, in double.
void reference_orthogonalize(std::span<float> matrix, std::int64_t rows, std::int64_t columns, int steps);

}  // namespace lapel::kernels
