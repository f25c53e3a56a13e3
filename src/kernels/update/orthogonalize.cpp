#include "kernels/update/orthogonalize.h"

#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

// Muon's coefficients of the quintic a x + b x^3 + c x^5, which each step applies to all singular values.
constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
constexpr double kEpsilon = 1e-7;

double inverse_norm(std::span<const float> matrix) {
  double sum = 0;
  for (const float number : matrix) {
    sum += static_cast<double>(number) * static_cast<double>(number);
  }
  return 1 / (std::sqrt(sum) + kEpsilon);
}

/// c = alpha op(a) op(b) + beta c; c is m x n, the sums have k terms. Rows of a and b lie a_row, b_row numbers apart.
struct Product {
  char transpose_a;
  char transpose_b;
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  const float* a;
  std::int64_t a_row;
  const float* b;
  std::int64_t b_row;
};

/// Threads divide the columns: oneDNN's own would not, within a team. Each column's sums are one thread's, whole.
void multiply(const Product& p, double alpha, double beta, float* c) {
  constexpr std::int64_t kColumns = 16;  // A vector of them at least.
  constexpr std::int64_t kProductsPerThread = 1 << 17;
  const std::int64_t grain = kProductsPerThread / std::max<std::int64_t>(1, p.m * p.k * kColumns) + 1;
  parallel_for((p.n + kColumns - 1) / kColumns, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * kColumns;
    const std::int64_t columns = std::min(p.n, end * kColumns) - first;
    const float* const b = p.b + (p.transpose_b == 'N' ? first : first * p.b_row);
    const auto status = dnnl_sgemm(p.transpose_a, p.transpose_b, p.m, columns, p.k, static_cast<float>(alpha), p.a,
                                   p.a_row, b, p.b_row, static_cast<float>(beta), c + first, p.n);
    if (status != dnnl_success) {
      throw Error(ErrorKind::kInternal, {}, "oneDNN could not multiply two matrices");
    }
  });
}

/// X X^T of a matrix that is wider than high, else X^T X, times alpha: the Gram matrix of the shorter side. It is
/// symmetric, and both halves are computed: sgemm knows no other product.
void gram(const float* x, std::int64_t rows, std::int64_t columns, double alpha, float* to) {
  if (rows <= columns) {
    multiply({'N', 'T', rows, rows, columns, x, columns, x, columns}, alpha, 0, to);
  } else {
    multiply({'T', 'N', columns, columns, rows, x, columns, x, columns}, alpha, 0, to);
  }
}

/// F X of a matrix that is wider than high, else X F, times alpha.
void apply(const float* factor, const float* x, std::int64_t rows, std::int64_t columns, double alpha, float* to) {
  if (rows <= columns) {
    multiply({'N', 'N', rows, columns, rows, factor, rows, x, columns}, alpha, 0, to);
  } else {
    multiply({'N', 'N', rows, columns, columns, x, columns, factor, columns}, alpha, 0, to);
  }
}

/// Matrices of the shorter side that Squares has.
constexpr std::int64_t kSquares = 4;
/// A step multiplies the rounding errors of A where it should be zero by a^2 = 12; after more steps they would no
/// longer be small, and where they are below zero they would grow without end.
constexpr int kMostSteps = 5;

/// The square matrices of the steps. A step multiplies X with F = a + b A + c A^2, A = X X^T; so it makes F^2 A of A
/// (all of these are polynomials of the first A, and commute), and several steps multiply X with the product of their
/// factors. Where X is much longer than it is high, that takes fewer multiplications than each step by itself: for five
/// steps two products with X (m x m by m x n) and 17 of m x m, where one by one they are ten and five. The former are
/// fewer multiplications from n > 1.5 m on.
struct Squares {
  std::int64_t side;
  std::span<float> a;
  std::span<float> factor;
  std::span<float> product;  ///< Of the factors so far.
  std::span<float> spare;

  Squares(std::span<float> memory, std::int64_t of_side) : side(of_side) {
    const auto size = static_cast<std::size_t>(side * side);
    a = memory.first(size);
    factor = memory.subspan(size, size);
    product = memory.subspan(2 * size, size);
    spare = memory.subspan(3 * size, size);
  }

  /// left right, or alpha left right + beta to.
  void multiply_squares(std::span<const float> left, std::span<const float> right, std::span<float> to,
                        double alpha = 1, double beta = 0) const {
    multiply({'N', 'N', side, side, side, left.data(), side, right.data(), side}, alpha, beta, to.data());
  }

  /// F = a + b A + c A A: the polynomial X goes through, a quintic in X, as one matrix.
  void make_factor() {
    std::copy(a.begin(), a.end(), factor.begin());
    multiply_squares(a, a, factor, kC, kB);
    for (std::size_t i = 0; i < factor.size(); i += static_cast<std::size_t>(side) + 1) {
      factor[i] += static_cast<float>(kA);
    }
  }

  /// From the first A to the product of the factors of so many steps.
  void take_steps(int steps) {
    for (int step = 0; step < steps; ++step) {
      make_factor();
      if (step == 0) {
        std::copy(factor.begin(), factor.end(), product.begin());
      } else {
        multiply_squares(factor, product, spare);
        std::swap(product, spare);
      }
      // A of the next step; the last one has none.
      if (step + 1 < steps) {
        multiply_squares(factor, a, spare);
        multiply_squares(factor, spare, a);
      }
    }
  }
};

using Matrix = std::vector<double>;

/// a (m x k) b (k x n).
Matrix plain_product(const Matrix& a, const Matrix& b, std::size_t m, std::size_t k, std::size_t n) {
  Matrix c(m * n);
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t t = 0; t < k; ++t) {
      for (std::size_t j = 0; j < n; ++j) {
        c[i * n + j] += a[i * k + t] * b[t * n + j];
      }
    }
  }
  return c;
}

Matrix transposed(const Matrix& a, std::size_t rows, std::size_t columns) {
  Matrix result(a.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      result[j * rows + i] = a[i * columns + j];
    }
  }
  return result;
}

}  // namespace

std::size_t orthogonalize_scratch(std::int64_t rows, std::int64_t columns) {
  const std::int64_t side = std::min(rows, columns);
  return static_cast<std::size_t>(kSquares * side * side + rows * columns);
}

std::span<float> orthogonalize(std::span<float> matrix, std::int64_t rows, std::int64_t columns, int steps,
                               double length, std::span<float> scratch) {
  const std::int64_t side = std::min(rows, columns);
  Squares squares(scratch, side);
  auto from = matrix;
  auto to = scratch.subspan(kSquares * squares.a.size(), matrix.size());
  // The first products bring the length to 1.
  double scale = 1 / (length + kEpsilon);
  if (2 * std::max(rows, columns) > 3 * side && steps <= kMostSteps) {  // See Squares.
    gram(from.data(), rows, columns, scale * scale, squares.a.data());
    squares.take_steps(steps);
    apply(squares.product.data(), from.data(), rows, columns, scale, to.data());
    return to;
  }
  for (int step = 0; step < steps; ++step) {
    gram(from.data(), rows, columns, scale * scale, squares.a.data());
    squares.make_factor();
    apply(squares.factor.data(), from.data(), rows, columns, scale, to.data());
    std::swap(from, to);
    scale = 1;
  }
  return from;
}

void reference_orthogonalize(std::span<float> matrix, std::int64_t rows, std::int64_t columns, int steps) {
  const auto m = static_cast<std::size_t>(std::min(rows, columns));
  const auto n = static_cast<std::size_t>(std::max(rows, columns));
  const double scale = inverse_norm(matrix);
  Matrix x(matrix.begin(), matrix.end());
  std::transform(x.begin(), x.end(), x.begin(), [&](double number) { return number * scale; });
  x = rows <= columns ? x : transposed(x, n, m);
  for (int step = 0; step < steps; ++step) {
    const Matrix gram = plain_product(x, transposed(x, m, n), m, n, m);
    Matrix polynomial = plain_product(gram, gram, m, m, m);
    for (std::size_t i = 0; i < polynomial.size(); ++i) {
      polynomial[i] = kB * gram[i] + kC * polynomial[i];
    }
    const Matrix change = plain_product(polynomial, x, m, m, n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = kA * x[i] + change[i];
    }
  }
  x = rows <= columns ? x : transposed(x, m, n);
  std::transform(x.begin(), x.end(), matrix.begin(), [](double number) { return static_cast<float>(number); });
}

}  // namespace lapel::kernels
