#include "kernels/update/orthogonalize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/threads.h"
#include "train/numbers.h"

namespace lapel::kernels {
namespace {

std::vector<float> random_matrix(std::int64_t rows, std::int64_t columns) {
  const RandomStream random{1, RandomPurpose::kTest, 3, 0, static_cast<std::uint32_t>(rows)};
  std::vector<float> matrix(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    matrix[i] = random.uniform(i) - 0.5F;
  }
  return matrix;
}

std::vector<float> orthogonalized(std::vector<float> matrix, std::int64_t rows, std::int64_t columns, int steps) {
  std::vector<float> scratch(orthogonalize_scratch(rows, columns));
  const double length = std::sqrt(std::inner_product(matrix.begin(), matrix.end(), matrix.begin(), 0.0));
  const auto result = orthogonalize(matrix, rows, columns, steps, length, scratch);
  return {result.begin(), result.end()};
}

TEST(Orthogonalize, AsTheFormulaInNumpy) {
  const auto numbers = training::test::golden_numbers();
  for (const std::string name : {"wide", "tall", "large"}) {
    const std::string key = "newton-schulz/" + name;
    const auto shape = numbers.at(key + "/shape");
    const auto& gradient = numbers.at(key + "/gradient");
    for (const int steps : {1, 3, 5}) {
      const auto got = orthogonalized({gradient.begin(), gradient.end()}, static_cast<std::int64_t>(shape[0]),
                                      static_cast<std::int64_t>(shape[1]), steps);
      const auto& expected = numbers.at(key + "/" + std::to_string(steps));
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_NEAR(got[i], expected[i], 2e-5) << key << " after " << steps;
      }
    }
  }
}

TEST(Orthogonalize, AsThePlainVersionAtOddSizesAndThreads) {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {1, 7}, {7, 1}, {16, 16}, {64, 577}, {300, 33}}) {
    const auto matrix = random_matrix(rows, columns);
    auto plain = matrix;
    reference_orthogonalize(plain, rows, columns, 3);
    for (const int threads : {1, 2}) {
      const ThreadScope scope(threads);
      const auto got = orthogonalized(matrix, rows, columns, 3);
      EXPECT_EQ(got, orthogonalized(matrix, rows, columns, 3));
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], plain[i], 2e-5) << rows << " x " << columns;
      }
    }
  }
}

/// Most of its singular values are zero, but for rounding.
TEST(Orthogonalize, AMatrixOfLowRankStaysOne) {
  for (const auto& [rows, columns] : {std::pair{24, 200}, {200, 24}}) {
    const auto left = random_matrix(rows, 3);
    const auto right = random_matrix(3, columns);
    std::vector<float> matrix(static_cast<std::size_t>(rows * columns));
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      const std::size_t row = i / static_cast<std::size_t>(columns);
      const std::size_t column = i % static_cast<std::size_t>(columns);
      for (std::size_t k = 0; k < 3; ++k) {
        matrix[i] += left[row * 3 + k] * right[k * static_cast<std::size_t>(columns) + column];
      }
    }
    for (const int steps : {3, 5, 6, 8}) {
      auto plain = matrix;
      reference_orthogonalize(plain, rows, columns, steps);
      const auto got = orthogonalized(matrix, rows, columns, steps);
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], plain[i], steps > 6 ? 1e-2 : 1e-4) << rows << " x " << columns << " after " << steps;
      }
    }
  }
}

TEST(Orthogonalize, NothingStaysNothing) {
  for (const float number : orthogonalized(std::vector<float>(12, 0.0F), 3, 4, 5)) {
    EXPECT_EQ(number, 0);
  }
}

}  // namespace
}  // namespace lapel::kernels
