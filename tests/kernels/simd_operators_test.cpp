#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/batch.h"
#include "kernels/each_target.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/operator_harness.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using testing::Batch;
using testing::expect_close;
using testing::OperatorData;
using testing::OperatorResult;
using testing::options_for;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

constexpr auto kMax = Pool2DOp::Kind::kMax;
constexpr auto kAverage = Pool2DOp::Kind::kAverage;

OperatorResult run_fast(const Op& op, const BuildOptions& options, const OperatorData& data, const StepState& state) {
  const auto tested = make_operator(op, options);
  EXPECT_EQ(tested->implementation().substr(0, 8), "highway:");
  return run_operator(*tested, op, options, data, state);
}

class SimdOperator : public testing::EachTarget {
 protected:
  /// `tolerance` 0: every bit.
  static void compare(const Op& op, double tolerance) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      for (const std::int64_t batch : {1, 2, 7}) {
        for (const bool training : {true, false}) {
          SCOPED_TRACE(::testing::Message() << describe(op).name << ", batch " << batch << ", bytes "
                                            << dtype_bytes(dtype) << (training ? ", training" : ", evaluation"));
          const BuildOptions options = options_for(batch, dtype, training);
          const OperatorData data = random_operands(op, batch);
          const Batch rows(batch, describe(op).out, training);
          const OperatorResult actual = run_fast(op, options, data, rows.state);
          const OperatorResult expected = run_reference(op, options, data, rows.state);
          if (tolerance == 0) {
            EXPECT_TRUE(actual == expected);
          }
          expect_close(actual, expected, tolerance);
        }
      }
    }
  }
};

TEST_P(SimdOperator, InputIsExact) {
  for (const std::int64_t size : {1, 3, 16, 784, 1000}) {
    compare(InputOp{size}, 0);
    compare(InputOp{size, 0.5F}, 0);
  }
}

TEST_P(SimdOperator, InputOfEveryPixelValue) {
  std::vector<std::uint8_t> pixels(256);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i);
  }
  const std::vector<std::uint32_t> samples{0};
  StepState state;
  state.pixels = pixels.data();
  state.samples = samples;
  const Op op = InputOp{256};
  const OperatorResult result = run_fast(op, options_for(1, Dtype::kFloat32), random_operands(op, 1), state);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    ASSERT_EQ(result.output[i], static_cast<float>(i) * (1.0F / 255.0F));
  }
  EXPECT_EQ(result.output[255], 1.0F);
}

TEST_P(SimdOperator, InputMayBeToldOfTheNextBatch) {
  const Op op = InputOp{100};
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    for (const std::size_t next : {0U, 3U, 7U, 9U}) {
      const BuildOptions options = options_for(7, dtype);
      const OperatorData data = random_operands(op, 7);
      const Batch rows(7, 100);
      const std::vector<std::uint32_t> samples(next, 49);
      StepState state = rows.state;
      state.next_samples = samples;
      EXPECT_TRUE(run_fast(op, options, data, state) == run_fast(op, options, data, rows.state));
    }
  }
}

TEST_P(SimdOperator, DropoutIsExact) {
  for (const std::int64_t size : {1, 3, 4, 5, 31, 32, 64, 127, 1000}) {
    for (const double rate : {0.0, 0.1, 0.25, 0.5, 0.999}) {
      compare(DropoutOp{size, rate, 3}, 0);
    }
  }
}

TEST_P(SimdOperator, AddIsExactOfTwo) {
  for (const std::int64_t size : {1, 5, 16, 100, 129}) {
    compare(AddOp{size, 2}, 0);
    compare(AddOp{size, 1}, 0);
    compare(AddOp{size, 5}, 2e-2);
    compare(AddOp{size, 3, 1.0 / 3}, 2e-2);
  }
}

TEST_P(SimdOperator, GlobalPools) {
  for (const std::int64_t channels : {1, 3, 16, 37}) {
    for (const std::int64_t height : {1, 5}) {
      compare(GlobalPool2DOp{kMax, Shape::image(channels, height, 7)}, 0);
      compare(GlobalPool2DOp{kAverage, Shape::image(channels, height, 7)}, 4e-3);
    }
  }
}

TEST_P(SimdOperator, BatchNorm) {
  for (const std::int64_t channels : {1, 3, 16, 37}) {
    for (const ActivationKind activation : {ActivationKind::kLinear, ActivationKind::kRelu, ActivationKind::kGelu}) {
      BatchNormOp op{60 * channels, channels, 0.9, 1e-3, true, true, activation};
      compare(op, 8e-3);
      op.scale = false;
      compare(op, 8e-3);
      op.center = false;
      compare(op, 8e-3);
    }
  }
}

/// Over all the numbers that matter, the far ones of both sides included, and past a NaN.
TEST_P(SimdOperator, GeluBehindBatchNorm) {
  constexpr std::int64_t kCount = 16 * 129;
  const BatchNormOp op{kCount, 1, 0.9, 0, false, false, ActivationKind::kGelu};
  OperatorData data = random_operands(op, 1);
  data.statistics = {{0.0F}, {1.0F}};
  for (std::size_t i = 0; i < data.inputs[0].size(); ++i) {
    data.inputs[0][i] = -16 + 32 * static_cast<float>(i) / kCount;
    data.output_grad[i] = 1;
  }
  const Batch rows(1, kCount);
  StepState state = rows.state;
  state.training = false;
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    const OperatorResult fast = run_fast(op, options_for(1, dtype), data, state);
    const OperatorResult reference = run_reference(op, options_for(1, dtype), data, state);
    const float rounding = dtype == Dtype::kFloat32 ? 0x1p-22F : 0x1p-7F;
    const float below = dtype == Dtype::kFloat32 ? 4e-7F : 7e-5F;
    const float slope = dtype == Dtype::kFloat32 ? 4e-7F : 4e-4F;
    for (std::size_t i = 0; i < fast.output.size(); ++i) {
      const float y = data.inputs[0][i];
      const float wanted = reference.output[i];
      ASSERT_NEAR(fast.output[i], wanted, rounding * std::abs(wanted) + below * std::abs(y)) << y;
      ASSERT_NEAR(fast.input_grads[0][i], reference.input_grads[0][i], rounding + slope) << y;
    }
  }
  data.inputs[0][7] = std::numeric_limits<float>::quiet_NaN();
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    EXPECT_TRUE(std::isnan(run_fast(op, options_for(1, dtype), data, state).output[7]));
  }
}

/// A channel far from zero, in the first step, when the moving mean does not yet tell where it lies.
TEST_P(SimdOperator, BatchNormOfManyRowsFarFromZero) {
  const BatchNormOp op{784 * 8, 8};
  const BuildOptions options = options_for(64, Dtype::kFloat32);
  OperatorData data = random_operands(op, 64);
  for (float& number : data.inputs[0]) {
    number = 10 + 0.5F * number;
  }
  data.statistics = {std::vector<float>(8, 0.0F), std::vector<float>(8, 1.0F)};
  const Batch rows(64, op.size);
  expect_close(run_fast(op, options, data, rows.state), run_reference(op, options, data, rows.state), 1e-4);
}

TEST_P(SimdOperator, BatchNormIsTheSameOnAnyNumberOfThreads) {
  const BatchNormOp op{784 * 16, 16, 0.9, 1e-3, true, true, ActivationKind::kRelu};
  const BuildOptions options = options_for(33, Dtype::kFloat32);
  const OperatorData data = random_operands(op, 33);
  const Batch rows(33, op.size);
  const auto run = [&](int threads) {
    const ThreadScope scope(threads);
    return run_fast(op, options, data, rows.state);
  };
  EXPECT_TRUE(run(1) == run(3));
}

TEST_P(SimdOperator, GlobalMeanInFloatIsClose) {
  const Op op = GlobalPool2DOp{kAverage, Shape::image(19, 28, 28)};
  const BuildOptions options = options_for(3, Dtype::kFloat32);
  const OperatorData data = random_operands(op, 3);
  expect_close(run_fast(op, options, data, {}), run_reference(op, options, data), 1e-6);
}

TEST_P(SimdOperator, GlobalMaximumGradientGoesToTheFirstOfEquals) {
  const Op op = GlobalPool2DOp{kMax, Shape::image(18, 2, 3)};
  OperatorData data = random_operands(op, 2);
  std::fill(data.inputs[0].begin(), data.inputs[0].end(), 0.25F);
  for (std::size_t channel = 0; channel < 18; ++channel) {
    data.inputs[0][18 + channel] = data.inputs[0][4 * 18 + channel] = 0.5F;
  }
  const OperatorResult result = run_fast(op, options_for(2, Dtype::kFloat32), data, {});
  for (std::size_t i = 0; i < result.input_grads[0].size(); ++i) {
    const std::size_t row = i / (18 * 6);
    const std::size_t place = i / 18 % 6;
    const std::size_t first = row == 0 ? 1 : 0;  // all are equal in the second picture
    ASSERT_EQ(result.input_grads[0][i], place == first ? data.output_grad[row * 18 + i % 18] : 0.0F) << i;
  }
}

TEST_P(SimdOperator, GlobalMaximumShowsNan) {
  const Op op = GlobalPool2DOp{kMax, Shape::image(17, 2, 2)};
  for (std::size_t place = 0; place < 4; ++place) {
    OperatorData data = random_operands(op, 1);
    data.inputs[0][place * 17 + 16] = data.inputs[0][place * 17] = std::numeric_limits<float>::quiet_NaN();
    const OperatorResult result = run_fast(op, options_for(1, Dtype::kFloat32), data, {});
    EXPECT_TRUE(std::isnan(result.output[0]));
    EXPECT_TRUE(std::isnan(result.output[16]));
    EXPECT_EQ(result.output[1], run_reference(op, options_for(1, Dtype::kFloat32), data).output[1]);
  }
}

TEST_P(SimdOperator, IsTheSameForAnyNumberOfThreads) {
  const std::vector<Op> ops{InputOp{784}, DropoutOp{1000, 0.3, 1}, AddOp{1000, 3},
                            GlobalPool2DOp{kMax, Shape::image(20, 9, 9)},
                            GlobalPool2DOp{kAverage, Shape::image(20, 9, 9)}};
  constexpr std::int64_t kBatch = 101;
  for (const Op& op : ops) {
    const OperatorData data = random_operands(op, kBatch);
    const Batch rows(kBatch, describe(op).out);
    const auto result = [&](int threads) {
      const ThreadScope scope(threads);
      return run_fast(op, options_for(kBatch, Dtype::kFloat32), data, rows.state);
    };
    const OperatorResult serial = result(1);
    EXPECT_TRUE(result(2) == serial) << describe(op).name;
    EXPECT_TRUE(result(3) == serial) << describe(op).name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SimdOperator, testing::all_targets(), testing::target_name());

/// Which of 4000 numbers in each of the rows dropout keeps.
std::vector<float> kept(double rate, std::uint32_t unit, std::uint64_t seed, std::uint32_t epoch,
                        const std::vector<std::uint32_t>& samples) {
  const Op op = DropoutOp{4000, rate, unit};
  const auto batch = static_cast<std::int64_t>(samples.size());
  OperatorData data = random_operands(op, batch);
  std::fill(data.inputs[0].begin(), data.inputs[0].end(), 1.0F);
  StepState state;
  state.samples = samples;
  state.seed = seed;
  state.epoch = epoch;
  state.training = true;
  return run_fast(op, options_for(batch, Dtype::kFloat32), data, state).output;
}

TEST(Dropout, KeepsItsShare) {
  for (const double rate : {0.1, 0.25, 0.5, 0.9}) {
    const std::vector<float> output = kept(rate, 0, 1, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    const auto count = static_cast<double>(output.size());
    double ones = 0;
    for (const float value : output) {
      ASSERT_TRUE(value == 0 || value == 1 / static_cast<float>(1 - rate)) << value;
      ones += value == 0 ? 0 : 1;
    }
    EXPECT_NEAR(ones, count * (1 - rate), 5 * std::sqrt(count * rate * (1 - rate))) << rate;
  }
}

TEST(Dropout, EachPartOfTheAddressChangesIt) {
  const std::vector<float> base = kept(0.5, 0, 1, 0, {7});
  EXPECT_EQ(kept(0.5, 0, 1, 0, {7}), base);
  const auto agreement = [&](const std::vector<float>& other) {
    double same = 0;
    for (std::size_t i = 0; i < base.size(); ++i) {
      same += base[i] == other[i] ? 1 : 0;
    }
    return same / static_cast<double>(base.size());
  };
  EXPECT_NEAR(agreement(kept(0.5, 1, 1, 0, {7})), 0.5, 0.05) << "unit";
  EXPECT_NEAR(agreement(kept(0.5, 0, 2, 0, {7})), 0.5, 0.05) << "seed";
  EXPECT_NEAR(agreement(kept(0.5, 0, 1 + (1ULL << 32U), 0, {7})), 0.5, 0.05) << "the seed's upper half";
  EXPECT_NEAR(agreement(kept(0.5, 0, 1, 1, {7})), 0.5, 0.05) << "epoch";
  EXPECT_NEAR(agreement(kept(0.5, 0, 1, 0, {8})), 0.5, 0.05) << "sample";
}

TEST(Dropout, FollowsTheSampleNotTheRow) {
  const std::vector<float> two = kept(0.5, 0, 1, 0, {3, 11});
  const std::vector<float> swapped = kept(0.5, 0, 1, 0, {11, 3});
  EXPECT_TRUE(std::equal(two.begin(), two.begin() + 4000, swapped.begin() + 4000));
  EXPECT_TRUE(std::equal(two.begin() + 4000, two.end(), swapped.begin()));
}

TEST(Dropout, RateOneDropsAll) { EXPECT_EQ(kept(1.0, 0, 1, 0, {3}), std::vector<float>(4000, 0.0F)); }

template <class F>
std::string message_of(const F& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    return error.what();
  }
  return "no error";
}

TEST(SimdErrors, SamplesMustBeOneARow) {
  const Op op = InputOp{4};
  const Batch rows(2, 4);
  EXPECT_EQ(message_of([&] { run_fast(op, options_for(3, Dtype::kFloat32), random_operands(op, 3), rows.state); }),
            "a step of 3 rows was given 2 samples");
  const Op dropout = DropoutOp{4, 0.5, 0};
  EXPECT_EQ(
      message_of([&] { run_fast(dropout, options_for(3, Dtype::kFloat32), random_operands(dropout, 3), rows.state); }),
      "a step of 3 rows was given 2 samples");
}

}  // namespace
}  // namespace lapel::kernels
