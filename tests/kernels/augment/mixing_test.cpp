#include "kernels/augment/mixing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "base/threads.h"
#include "kernels/augment/augmentation.h"
#include "kernels/batch.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"

namespace lapel::kernels {
namespace {

using testing::Batch;
using testing::OperatorData;
using testing::OperatorResult;
using testing::options_for;
using testing::random_operands;

OperatorResult run(const Op& op, std::int64_t batch, Dtype dtype, const OperatorData& data, const StepState& state) {
  BuildOptions options = options_for(batch, dtype);
  options.training = false;
  const auto tested = make_operator(op, options);
  return testing::run_operator(*tested, op, options, data, state);
}

class Mixing : public testing::EachTarget {};

TEST_P(Mixing, AgreesWithThePlainOnes) {
  for (const std::int64_t channels : {1, 3}) {
    const Shape in = Shape::image(channels, 9, 7);
    for (const Op& op : {Op(MixUpOp{in.size(), 0.4, 1}), Op(CutMixOp{in, {1, 1}, 2}), Op(CutMixOp{in, {0, 1}, 3})}) {
      for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
        for (const std::int64_t batch : {1, 2, 7, 40}) {
          for (const bool training : {true, false}) {
            SCOPED_TRACE(::testing::Message() << describe(op).name << ", batch " << batch << ", bytes "
                                              << dtype_bytes(dtype) << ", training " << training);
            const Batch rows(batch, in.size(), training);
            const OperatorData data = random_operands(op, batch);
            BuildOptions options = options_for(batch, dtype);
            options.training = false;
            const OperatorResult actual = run(op, batch, dtype, data, rows.state);
            testing::expect_close(actual, testing::run_reference(op, options, data, rows.state),
                                  dtype == Dtype::kFloat32 ? 1e-6 : 0.004);
            if (dtype == Dtype::kFloat32) {
              EXPECT_EQ(actual.output == data.inputs[0], !training || batch == 1);
            }
          }
        }
      }
    }
  }
}

TEST_P(Mixing, IsTheSameForAnyNumberOfThreads) {
  const Shape in = Shape::image(1, 28, 28);
  for (const Op& op : {Op(MixUpOp{in.size(), 0.4, 1}), Op(CutMixOp{in, {1, 1}, 2})}) {
    const OperatorData data = random_operands(op, 101);
    const Batch rows(101, in.size());
    const std::vector<float> targets = testing::random_numbers(101 * 10, 9);
    const auto result = [&](int threads) {
      const ThreadScope scope(threads);
      std::vector<float> mixed(targets.size());
      mix_targets(op, rows.state, 10, targets, mixed);
      return std::pair(run(op, 101, Dtype::kFloat32, data, rows.state).output, mixed);
    };
    const auto serial = result(1);
    EXPECT_EQ(result(2), serial);
    EXPECT_EQ(result(3), serial);
  }
}

TEST_P(Mixing, NothingIsMixedBeforeItsFirstEpoch) {
  const Shape in = Shape::image(1, 9, 7);
  for (const Op& op : {Op(MixUpOp{in.size(), 1, 1, 3}), Op(CutMixOp{in, {1, 1}, 2, 3})}) {
    const OperatorData data = random_operands(op, 8);
    Batch rows(8, in.size());
    const std::vector<float> targets = testing::random_numbers(8 * 10, 9);
    for (const std::uint32_t epoch : {2U, 3U}) {
      rows.state.epoch = epoch;
      std::vector<float> mixed(targets.size());
      mix_targets(op, rows.state, 10, targets, mixed);
      EXPECT_EQ(mixed == targets, epoch < 3) << describe(op).name << ", epoch " << epoch;
      EXPECT_EQ(run(op, 8, Dtype::kFloat32, data, rows.state).output == data.inputs[0], epoch < 3) << describe(op).name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Mixing, testing::all_targets(), testing::target_name());

/// Pictures that are their own targets are mixed as these are.
TEST(MixTargets, FollowMixUp) {
  constexpr std::int64_t kClasses = 13;
  const Op op = MixUpOp{kClasses, 0.7, 3};
  const OperatorData data = random_operands(op, 40);
  const Batch rows(40, kClasses);
  std::vector<float> mixed(data.inputs[0].size());
  mix_targets(op, rows.state, kClasses, data.inputs[0], mixed);
  const auto pictures = run(op, 40, Dtype::kFloat32, data, rows.state).output;
  testing::expect_close(mixed, pictures, 1e-6, "targets");
  EXPECT_NE(mixed, data.inputs[0]);
}

/// Pictures of one number each: the mean of a mixed picture is the target of that number as a class's share.
TEST(MixTargets, FollowTheAreaThatCutMixExchanged) {
  const Shape in = Shape::image(1, 9, 7);
  const Op op = CutMixOp{in, {1, 1}, 3};
  OperatorData data = random_operands(op, 40);
  std::vector<float> targets(40);
  for (std::size_t row = 0; row < 40; ++row) {
    targets[row] = static_cast<float>(row);
    std::fill_n(data.inputs[0].begin() + static_cast<std::ptrdiff_t>(row * 63), 63, targets[row]);
  }
  const Batch rows(40, in.size());
  std::vector<float> mixed(40);
  mix_targets(op, rows.state, 1, targets, mixed);
  const auto pictures = run(op, 40, Dtype::kFloat32, data, rows.state).output;
  for (std::size_t row = 0; row < 40; ++row) {
    const auto first = pictures.begin() + static_cast<std::ptrdiff_t>(row * 63);
    EXPECT_NEAR(std::accumulate(first, first + 63, 0.0) / 63, mixed[row], 1e-4) << row;
  }
}

TEST(MixTargets, AreOfOperatorsThatMix) {
  EXPECT_TRUE(mixes_targets(MixUpOp{}));
  EXPECT_TRUE(mixes_targets(CutMixOp{}));
  EXPECT_FALSE(mixes_targets(RandomErasingOp{}));
  EXPECT_FALSE(mixes_targets(DenseOp{}));
}

/// Of Beta(1, 1), the uniform distribution, half of the picture on average, in the picture's proportions.
TEST(CutMix, BoxesHaveTheirAreaAndLieWithin) {
  constexpr int kDraws = 4000;
  double area = 0;
  std::set<std::int64_t> tops;
  for (std::uint32_t sample = 0; sample < kDraws; ++sample) {
    const CutMixOp op{Shape::image(1, 100, 60), {1, 1}};
    const Box box = draw_cut_mix(op, {1, RandomPurpose::kAugment, 0, 1, sample});
    ASSERT_TRUE(box.top >= 0 && box.left >= 0 && box.bottom <= 100 && box.right <= 60) << sample;
    ASSERT_NEAR(static_cast<double>(box.bottom - box.top) / 100, static_cast<double>(box.right - box.left) / 60, 0.03);
    area += static_cast<double>(box.places()) / 6000;
    tops.insert(box.top);
  }
  EXPECT_NEAR(area / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_GT(tops.size(), 80U);
}

TEST(Mixing, EveryRowHasAPartnerAndIsOne) {
  for (const std::int64_t rows : {2, 3, 16}) {
    std::set<std::int64_t> distances;
    for (std::uint32_t epoch = 1; epoch < 200; ++epoch) {
      Batch batch(rows, 4);
      batch.state.epoch = epoch;
      const std::int64_t distance = partner_distance(batch.state, 1);
      ASSERT_GE(distance, 1);
      ASSERT_LT(distance, rows);
      distances.insert(distance);
    }
    EXPECT_EQ(static_cast<std::int64_t>(distances.size()), rows - 1) << "all of them come";
  }
  EXPECT_EQ(partner_distance(Batch(1, 4).state, 1), 0);
  EXPECT_EQ(partner_of(5, 3, 7), 1);
}

/// Mean 1/2 and variance 1 / (4 (2 alpha + 1)) of Beta(alpha, alpha), and the same share below 1/4 as scipy.stats says.
TEST(Beta, HasItsDistribution) {
  struct Case {
    double alpha;
    double below_quarter;
  };
  for (const auto& [alpha, below_quarter] : {Case{0.2, 0.41406}, Case{1, 0.25}, Case{4, 0.07056}}) {
    constexpr int kDraws = 20000;
    double sum = 0;
    double squares = 0;
    double low = 0;
    for (std::uint32_t sample = 0; sample < kDraws; ++sample) {
      const double value = static_cast<double>(draw_beta(alpha, {1, RandomPurpose::kAugment, 0, 1, sample}));
      ASSERT_TRUE(value >= 0 && value <= 1) << value;
      sum += value;
      squares += (value - 0.5) * (value - 0.5);
      low += value < 0.25 ? 1 : 0;
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(variance / kDraws)) << alpha;
    EXPECT_NEAR(squares / kDraws, variance, 0.004) << alpha;
    EXPECT_NEAR(low / kDraws, below_quarter, 0.018) << alpha;
  }
}

TEST(Beta, OfATinyAlphaIsOneEndOrTheOther) {
  int ones = 0;
  for (std::uint32_t sample = 0; sample < 1000; ++sample) {
    const float value = draw_beta(1e-9, {1, RandomPurpose::kAugment, 0, 1, sample});
    ASSERT_TRUE(value < 1e-6F || value > 1 - 1e-6F) << value;
    ones += value > 0.5F ? 1 : 0;
  }
  EXPECT_NEAR(ones, 500, 80);
}

}  // namespace
}  // namespace lapel::kernels
