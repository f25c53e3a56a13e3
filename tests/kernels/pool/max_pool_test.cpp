#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"

namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::OperatorData;
using testing::OperatorResult;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

constexpr auto kMax = Pool2DOp::Kind::kMax;

BuildOptions options_for(std::int64_t batch, Dtype dtype, bool training = true) {
  BuildOptions options;
  options.batch = batch;
  options.training = training;
  options.dtype = dtype;
  return options;
}

OperatorResult run_fast(const Op& op, const BuildOptions& options, const OperatorData& data) {
  const auto tested = make_operator(op, options);
  EXPECT_EQ(tested->implementation().substr(0, 8), "highway:");
  return run_operator(*tested, op, options, data);
}

class MaxPool : public testing::EachTarget {
 protected:
  /// In both types, at several batches, in training and evaluation. `tolerance` 0: every bit.
  static void compare(const Op& op, double tolerance) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      for (const std::int64_t batch : {1, 2, 7}) {
        for (const bool training : {true, false}) {
          SCOPED_TRACE(::testing::Message() << "batch " << batch << ", bytes " << dtype_bytes(dtype));
          const BuildOptions options = options_for(batch, dtype, training);
          const OperatorData data = random_operands(op, batch);
          const OperatorResult actual = run_fast(op, options, data);
          const OperatorResult expected = run_reference(op, options, data);
          if (tolerance == 0) {
            EXPECT_TRUE(actual == expected);
          }
          expect_close(actual, expected, tolerance);
        }
      }
    }
  }
};

/// A maximum over windows; padding as Keras has it with "same" where `pad_top` or `pad_left` are given.
Pool2DOp max_pool(const Shape& in, const Shape& out, std::array<std::int64_t, 2> pool,
                  std::array<std::int64_t, 2> strides, std::int64_t pad_top = 0, std::int64_t pad_left = 0) {
  Pool2DOp op{kMax, in, out, pool, strides};
  op.pad_top = pad_top;
  op.pad_left = pad_left;
  op.pad_bottom = std::max<std::int64_t>(0, (out.height - 1) * strides[0] + pool[0] - in.height - pad_top);
  op.pad_right = std::max<std::int64_t>(0, (out.width - 1) * strides[1] + pool[1] - in.width - pad_left);
  return op;
}

TEST_P(MaxPool, Windows) {
  for (const std::int64_t channels : {1, 3, 16, 37}) {
    const auto image = [&](std::int64_t height, std::int64_t width) { return Shape::image(channels, height, width); };
    compare(max_pool(image(6, 8), image(3, 4), {2, 2}, {2, 2}), 0);
    compare(max_pool(image(7, 9), image(3, 4), {2, 2}, {2, 2}), 0);           // a row and a column are in no window
    compare(max_pool(image(7, 5), image(4, 3), {2, 2}, {2, 2}), 0);           // windows that reach over the edge
    compare(max_pool(image(7, 5), image(7, 5), {3, 3}, {1, 1}, 1, 1), 4e-3);  // every input in nine windows
    compare(max_pool(image(9, 8), image(3, 3), {2, 1}, {4, 3}), 0);           // gaps between windows
    compare(max_pool(image(16, 17), image(1, 2), {16, 16}, {1, 1}), 4e-3);    // the largest that a byte can number
  }
}

Op with_relu(Pool2DOp op) {
  op.activation = ActivationKind::kRelu;
  return op;
}

TEST_P(MaxPool, WindowsWithRelu) {
  for (const std::int64_t channels : {1, 3, 16, 37}) {
    const auto image = [&](std::int64_t height, std::int64_t width) { return Shape::image(channels, height, width); };
    compare(with_relu(max_pool(image(6, 8), image(3, 4), {2, 2}, {2, 2})), 0);
    compare(with_relu(max_pool(image(7, 5), image(4, 3), {2, 1}, {2, 2})), 0);
    compare(with_relu(max_pool(image(7, 5), image(7, 5), {2, 2}, {1, 1}, 1, 0)), 4e-3);
    compare(with_relu(max_pool(image(15, 17), image(1, 1), {15, 17}, {1, 1})), 0);  // the largest
  }
}

/// As a relu before the pooling would have it: what is not above zero has no gradient, and a NaN stays one.
TEST_P(MaxPool, ReluStopsWhatIsNotPositive) {
  const Op op = with_relu(max_pool(Shape::image(4, 1, 2), Shape::image(4, 1, 1), {1, 2}, {1, 2}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const OperatorData data{{{-1.0F, 0.0F, 1.0F, nan, -2.0F, 0.0F, 1.0F, 3.0F}}, {}, {5.0F, 6.0F, 7.0F, 8.0F}};
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    const OperatorResult result = run_fast(op, options_for(1, dtype), data);
    EXPECT_EQ(std::vector(result.output.begin(), result.output.begin() + 3), (std::vector<float>{0, 0, 1}));
    EXPECT_TRUE(std::isnan(result.output[3]));
    EXPECT_EQ(result.input_grads[0], (std::vector<float>{0, 0, 7, 8, 0, 0, 0, 0}));
  }
}

TEST_P(MaxPool, GivesTheGradientToTheFirstOfEquals) {
  constexpr std::int64_t kChannels = 34;
  const Op op = max_pool(Shape::image(kChannels, 2, 3), Shape::image(kChannels, 1, 1), {2, 3}, {2, 3});
  OperatorData data = random_operands(op, 1);
  std::fill(data.output_grad.begin(), data.output_grad.end(), 3.0F);
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    for (const std::array<float, 2> equals :
         {std::array{0.25F, 0.25F}, {-0.25F, -0.25F}, {-0.0F, 0.0F}, {0.0F, -0.0F}}) {
      for (std::size_t i = 0; i < data.inputs[0].size(); ++i) {
        data.inputs[0][i] = i < kChannels ? equals[0] : equals[1];
      }
      const OperatorResult result = run_fast(op, options_for(1, dtype), data);
      for (std::size_t i = 0; i < result.input_grads[0].size(); ++i) {
        ASSERT_EQ(result.input_grads[0][i], i < kChannels ? 3.0F : 0.0F) << i << " of " << equals[0];
      }
    }
  }
}

TEST_P(MaxPool, ShowsNan) {
  constexpr std::size_t kChannels = 41;
  const Op op = max_pool(Shape::image(kChannels, 2, 2), Shape::image(kChannels, 1, 1), {2, 2}, {2, 2});
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    for (const float sign : {1.0F, -1.0F}) {
      for (std::size_t place = 0; place < 4; ++place) {
        const float nan = std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
        OperatorData data = random_operands(op, 1);
        data.inputs[0][place * kChannels] = data.inputs[0][place * kChannels + kChannels - 1] = nan;
        for (const Op& shown : {op, Op(with_relu(std::get<Pool2DOp>(op)))}) {
          const OperatorResult result = run_fast(shown, options_for(1, dtype), data);
          EXPECT_TRUE(std::isnan(result.output[0]));
          EXPECT_TRUE(std::isnan(result.output[kChannels - 1]));
          EXPECT_FALSE(std::isnan(result.output[1]));
        }
      }
    }
  }
}

TEST_P(MaxPool, IsTheSameForAnyNumberOfThreads) {
  constexpr std::int64_t kBatch = 101;
  for (const std::array<std::int64_t, 2> pool : {std::array<std::int64_t, 2>{3, 3}, {2, 2}}) {
    const Op op = max_pool(Shape::image(20, 9, 9), Shape::image(20, 4, 4), pool, {2, 2});
    const OperatorData data = random_operands(op, kBatch);
    const auto result = [&](int threads) {
      const ThreadScope scope(threads);
      return run_fast(op, options_for(kBatch, Dtype::kFloat32), data);
    };
    const OperatorResult serial = result(1);
    EXPECT_TRUE(result(2) == serial);
    EXPECT_TRUE(result(3) == serial);
  }
}

INSTANTIATE_TEST_SUITE_P(All, MaxPool, testing::all_targets(), testing::target_name());

}  // namespace
}  // namespace lapel::kernels
