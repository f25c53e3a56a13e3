#include "kernels/orthogonalize.h"

#include <algorithm>
#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "lapel/error.h"

namespace lapel::kernels {

namespace {

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

void multiply(const Product& p, double alpha, double beta, float* c) {
  const auto status = dnnl_sgemm(p.transpose_a, p.transpose_b, p.m, p.n, p.k, static_cast<float>(alpha), p.a, p.a_row,
                                 p.b, p.b_row, static_cast<float>(beta), c, p.n);
  if (status != dnnl_success) {
    throw Error(ErrorKind::kInternal, {}, "oneDNN could not multiply two matrices");
  }
}

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
  return static_cast<std::size_t>(2 * side * side + rows * columns);
}

void orthogonalize(std::span<float> matrix, std::int64_t rows, std::int64_t columns, int steps,
                   std::span<float> scratch) {
  const std::int64_t side = std::min(rows, columns);
  const auto square = static_cast<std::size_t>(side * side);
  const auto gram = scratch.first(square);
  const auto polynomial = scratch.subspan(square, square);
  const auto before = scratch.subspan(2 * square, matrix.size());
  const double scale = inverse_norm(matrix);
  for (float& number : matrix) {
    number = static_cast<float>(static_cast<double>(number) * scale);
  }
  for (int step = 0; step < steps; ++step) {
    std::copy(matrix.begin(), matrix.end(), before.begin());
    const float* x = before.data();
    if (rows <= columns) {
      multiply({'N', 'T', side, side, columns, x, columns, x, columns}, 1, 0, gram.data());
    } else {
      multiply({'T', 'N', side, side, rows, x, columns, x, columns}, 1, 0, gram.data());
    }
    std::copy(gram.begin(), gram.end(), polynomial.begin());
    multiply({'N', 'N', side, side, side, gram.data(), side, gram.data(), side}, kC, kB, polynomial.data());
    if (rows <= columns) {
      multiply({'N', 'N', rows, columns, side, polynomial.data(), side, x, columns}, 1, kA, matrix.data());
    } else {
      multiply({'N', 'N', rows, columns, side, x, columns, polynomial.data(), side}, 1, kA, matrix.data());
    }
  }
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
