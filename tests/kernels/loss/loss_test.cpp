#include "kernels/loss/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "kernels/reference/reference.h"

namespace lapel::kernels {
namespace {

using testing::random_numbers;

/// Rows of logits, a label a row, and the one-hot targets of the labels.
struct Rows {
  std::size_t classes;
  std::vector<float> logits;
  std::vector<std::uint16_t> labels;
  std::vector<float> targets;
  std::vector<float> weights = {};  // of the rows; none: 1

  Rows(std::size_t count, std::size_t classes_in, float scale = 5) : classes(classes_in) {
    logits = random_numbers(static_cast<std::int64_t>(count * classes), 1);
    for (float& logit : logits) {
      logit *= scale;
    }
    const RandomStream stream{1, RandomPurpose::kTest, 2, 0, 0};
    targets.resize(count * classes);
    for (std::size_t row = 0; row < count; ++row) {
      labels.push_back(static_cast<std::uint16_t>(stream.below(row, static_cast<std::uint32_t>(classes))));
      targets[row * classes + labels.back()] = 1;
    }
  }
};

/// A loss and its gradient, in floats.
struct Outcome {
  LossResult result;
  std::vector<float> grad;
};

enum class Variant { kLabels, kDense, kReference };

Outcome run(Variant variant, const Rows& rows, Dtype dtype = Dtype::kFloat32, float smoothing = 0, float scale = 1) {
  const auto classes = static_cast<std::int64_t>(rows.classes);
  std::vector<std::uint16_t> low(rows.logits.size());
  std::vector<std::uint16_t> low_grad(rows.logits.size());
  Outcome outcome{{}, std::vector<float>(rows.logits.size())};
  const void* logits = rows.logits.data();
  void* grad = outcome.grad.data();
  if (dtype == Dtype::kBfloat16) {
    to_bfloat16(rows.logits, low);
    logits = low.data();
    grad = low_grad.data();
  }
  if (variant == Variant::kLabels) {
    outcome.result = softmax_cross_entropy(dtype, logits, rows.labels, classes, smoothing, scale, grad, rows.weights);
  } else if (variant == Variant::kDense) {
    outcome.result =
        softmax_cross_entropy_dense(dtype, logits, rows.targets, classes, smoothing, scale, grad, rows.weights);
  } else {
    outcome.result = reference_softmax_cross_entropy_dense(dtype, logits, rows.targets, classes, smoothing, scale, grad,
                                                           rows.weights);
  }
  if (dtype == Dtype::kBfloat16) {
    from_bfloat16(low_grad, outcome.grad);
  }
  return outcome;
}

void expect_same(const Outcome& actual, const Outcome& expected, double rows, double tolerance) {
  EXPECT_NEAR(actual.result.loss_sum, expected.result.loss_sum, 2e-6 * (rows + expected.result.loss_sum));
  EXPECT_EQ(actual.result.correct, expected.result.correct);
  for (std::size_t i = 0; i < expected.grad.size(); ++i) {
    ASSERT_NEAR(actual.grad[i], expected.grad[i], tolerance) << i;
  }
}

class Loss : public testing::EachTarget {};

TEST_P(Loss, AgreesWithReference) {
  for (const std::size_t classes : {1, 2, 3, 8, 10, 17, 64, 65, 300}) {
    for (const std::size_t count : {0, 1, 7, 67}) {
      const Rows rows(count, classes);
      for (const float smoothing : {0.0F, 0.1F}) {
        for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
          SCOPED_TRACE(::testing::Message() << count << " rows of " << classes << ", smoothing " << smoothing);
          const Outcome expected = run(Variant::kReference, rows, dtype, smoothing, 0.5F);
          const double tolerance = dtype == Dtype::kFloat32 ? 3e-7 : 0x1p-8;
          expect_same(run(Variant::kLabels, rows, dtype, smoothing, 0.5F), expected, static_cast<double>(count),
                      tolerance);
          expect_same(run(Variant::kDense, rows, dtype, smoothing, 0.5F), expected, static_cast<double>(count),
                      tolerance);
        }
      }
    }
  }
}

TEST_P(Loss, WeightedRowsAgreeWithReference) {
  for (const std::size_t classes : {2, 10, 65, 300}) {
    Rows rows(37, classes);
    for (std::size_t row = 0; row < 37; ++row) {
      rows.weights.push_back(static_cast<float>(row % 5) * 0.375F);
    }
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      const Outcome expected = run(Variant::kReference, rows, dtype, 0.1F, 0.5F);
      const double tolerance = dtype == Dtype::kFloat32 ? 6e-7 : 0x1p-7;
      expect_same(run(Variant::kLabels, rows, dtype, 0.1F, 0.5F), expected, 37, tolerance);
      expect_same(run(Variant::kDense, rows, dtype, 0.1F, 0.5F), expected, 37, tolerance);
    }
  }
}

TEST_P(Loss, WeightsOfOneChangeNoBit) {
  for (const std::size_t classes : {10, 300}) {
    Rows rows(20, classes);
    const Outcome without = run(Variant::kLabels, rows, Dtype::kFloat32, 0.1F, 0.3F);
    rows.weights.assign(20, 1.0F);
    const Outcome with = run(Variant::kLabels, rows, Dtype::kFloat32, 0.1F, 0.3F);
    EXPECT_EQ(with.result.loss_sum, without.result.loss_sum);
    EXPECT_EQ(with.grad, without.grad);
  }
}

TEST_P(Loss, MixedTargetsAgreeWithReference) {
  Rows rows(20, 10);
  for (std::size_t row = 0; row < 20; ++row) {
    float* target = rows.targets.data() + row * 10;
    std::fill(target, target + 10, 0.0F);
    target[row % 10] = 0.625F;
    target[(row + 3) % 10] += 0.375F;
  }
  expect_same(run(Variant::kDense, rows), run(Variant::kReference, rows), 20, 3e-7);
}

// Logits 0, ln 3: probabilities 1/4 and 3/4. Label 0: loss ln 4, gradient (-3/4, 3/4).
// Smoothing 0.2: targets 0.9 and 0.1; loss 0.9 ln 4 + 0.1 ln (4/3), gradient (-0.65, 0.65).
TEST_P(Loss, ByHand) {
  Rows rows(1, 2);
  rows.logits = {0, std::log(3.0F)};
  rows.labels = {0};
  rows.targets = {1, 0};
  const Outcome plain = run(Variant::kLabels, rows);
  EXPECT_NEAR(plain.result.loss_sum, std::log(4.0), 1e-6);
  EXPECT_EQ(plain.result.correct, 0);
  EXPECT_NEAR(plain.grad[0], -0.75, 1e-6);
  EXPECT_NEAR(plain.grad[1], 0.75, 1e-6);
  const Outcome smooth = run(Variant::kLabels, rows, Dtype::kFloat32, 0.2F);
  EXPECT_NEAR(smooth.result.loss_sum, 0.9 * std::log(4.0) + 0.1 * std::log(4.0 / 3), 1e-6);
  EXPECT_NEAR(smooth.grad[0], -0.65, 1e-6);
  rows.weights = {2.5F};
  const Outcome weighted = run(Variant::kLabels, rows);
  EXPECT_NEAR(weighted.result.loss_sum, 2.5 * std::log(4.0), 1e-6);
  EXPECT_NEAR(weighted.grad[0], -1.875, 1e-6);
  EXPECT_NEAR(smooth.grad[1], 0.65, 1e-6);
}

TEST_P(Loss, GradientIsTheSlope) {
  constexpr float kStep = 1.0F / 128;
  Rows rows(3, 10, 2);
  for (const float smoothing : {0.0F, 0.3F}) {
    const Outcome at = run(Variant::kLabels, rows, Dtype::kFloat32, smoothing);
    for (std::size_t i = 0; i < rows.logits.size(); ++i) {
      const float before = rows.logits[i];
      rows.logits[i] = before + kStep;
      const double above = run(Variant::kReference, rows, Dtype::kFloat32, smoothing).result.loss_sum;
      rows.logits[i] = before - kStep;
      const double below = run(Variant::kReference, rows, Dtype::kFloat32, smoothing).result.loss_sum;
      rows.logits[i] = before;
      ASSERT_NEAR(at.grad[i], (above - below) / static_cast<double>(2 * kStep), 2e-5) << i;
    }
  }
}

TEST_P(Loss, HugeLogitsStayFinite) {
  Rows rows(2, 3);
  rows.logits = {1e4F, -1e4F, 0, -1e4F, -1e4F, 1e4F};
  rows.labels = {1, 2};
  rows.targets = {0, 1, 0, 0, 0, 1};
  for (const Variant variant : {Variant::kLabels, Variant::kDense, Variant::kReference}) {
    const Outcome outcome = run(variant, rows);
    EXPECT_EQ(outcome.result.loss_sum, 2e4);
    EXPECT_EQ(outcome.result.correct, 1);
    EXPECT_EQ(outcome.grad, (std::vector<float>{1, -1, 0, 0, 0, 0}));
  }
}

TEST_P(Loss, AnythingNotFiniteShows) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {kNan, kInfinity, -kInfinity}) {
    for (const std::size_t place : {0U, 4U, 9U, 10U, 19U, 29U}) {
      Rows rows(3, 10);
      rows.logits[place] = bad;
      for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
        const Outcome outcome = run(Variant::kLabels, rows, dtype);
        EXPECT_FALSE(std::isfinite(outcome.result.loss_sum)) << bad << " at " << place;
        EXPECT_TRUE(std::isnan(outcome.grad[place / 10 * 10])) << bad << " at " << place;
        EXPECT_FALSE(std::isfinite(run(Variant::kDense, rows, dtype).result.loss_sum)) << bad << " at " << place;
      }
    }
  }
}

TEST_P(Loss, TheFirstOfEqualLogitsCounts) {
  for (const std::size_t classes : {2, 10, 300}) {
    Rows rows(2, classes);
    std::fill(rows.logits.begin(), rows.logits.end(), -1.0F);
    for (const std::size_t row : {0, 1}) {
      rows.logits[row * classes + classes / 2] = 2;
      rows.logits[row * classes + classes - 1] = 2;
    }
    rows.labels = {static_cast<std::uint16_t>(classes / 2), static_cast<std::uint16_t>(classes - 1)};
    std::fill(rows.targets.begin(), rows.targets.end(), 0.0F);
    rows.targets[rows.labels[0]] = 1;
    rows.targets[classes + rows.labels[1]] = 1;
    const std::int64_t expected = classes == 2 ? 2 : 1;
    EXPECT_EQ(run(Variant::kLabels, rows).result.correct, expected);
    EXPECT_EQ(run(Variant::kDense, rows).result.correct, expected);
    EXPECT_EQ(run(Variant::kReference, rows).result.correct, expected);
  }
}

TEST_P(Loss, IsTheSameForAnyNumberOfThreads) {
  const Rows rows(5000, 10);
  const auto result = [&](int threads) {
    const ThreadScope scope(threads);
    return run(Variant::kLabels, rows);
  };
  const Outcome serial = result(1);
  for (const int threads : {2, 3}) {
    const Outcome parallel = result(threads);
    EXPECT_EQ(parallel.result.loss_sum, serial.result.loss_sum);
    EXPECT_EQ(parallel.result.correct, serial.result.correct);
    EXPECT_EQ(parallel.grad, serial.grad);
  }
}

TEST_P(Loss, NeedsNoGradient) {
  const Rows rows(4, 10);
  const LossResult without = softmax_cross_entropy(Dtype::kFloat32, rows.logits.data(), rows.labels, 10, 0, 1, nullptr);
  EXPECT_EQ(without.loss_sum, run(Variant::kLabels, rows).result.loss_sum);
}

TEST_P(Loss, SoftmaxRows) {
  for (const std::size_t classes : {1, 3, 10, 64, 300}) {
    const Rows rows(7, classes);
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      std::vector<std::uint16_t> low(rows.logits.size());
      to_bfloat16(rows.logits, low);
      const void* logits = dtype == Dtype::kFloat32 ? static_cast<const void*>(rows.logits.data()) : low.data();
      std::vector<float> probabilities(rows.logits.size() + 1, 9.0F);
      softmax_rows(dtype, logits, 7, static_cast<std::int64_t>(classes), probabilities.data());
      EXPECT_EQ(probabilities.back(), 9.0F) << "written behind the end";
      for (std::size_t row = 0; row < 7; ++row) {
        const auto logit = [&](std::size_t k) {
          const std::size_t i = row * classes + k;
          return static_cast<double>(dtype == Dtype::kFloat32 ? rows.logits[i] : float_from_bfloat16(low[i]));
        };
        double sum = 0;
        for (std::size_t k = 0; k < classes; ++k) {
          sum += std::exp(logit(k));
        }
        for (std::size_t k = 0; k < classes; ++k) {
          ASSERT_NEAR(probabilities[row * classes + k], std::exp(logit(k)) / sum, 3e-7);
        }
      }
    }
  }
}

TEST_P(Loss, SoftmaxShowsNan) {
  std::vector<float> logits(10, 1.0F);
  logits[3] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> probabilities(10);
  softmax_rows(Dtype::kFloat32, logits.data(), 1, 10, probabilities.data());
  EXPECT_TRUE(std::isnan(probabilities[0]));
}

INSTANTIATE_TEST_SUITE_P(All, Loss, testing::all_targets(), testing::target_name());

}  // namespace
}  // namespace lapel::kernels
