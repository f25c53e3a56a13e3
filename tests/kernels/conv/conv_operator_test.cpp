#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/conv_op.h"
#include "kernels/conv/forward.h"
#include "kernels/operator_harness.h"

/// Lapel's own convolution in bfloat16, against the plain loops.
namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::OperatorData;
using testing::OperatorResult;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

constexpr auto kRelu = ActivationKind::kRelu;

struct Window {
  std::array<std::int64_t, 2> kernel{3, 3};
  std::array<std::int64_t, 2> strides{1, 1};
  std::array<std::int64_t, 4> pads{1, 1, 1, 1};  ///< Top, left, bottom, right.
};

Conv2DOp conv(std::int64_t in, std::int64_t height, std::int64_t width, std::int64_t filters, const Window& window = {},
              ActivationKind activation = ActivationKind::kLinear) {
  Conv2DOp op = testing::conv(in, height, width, filters, window.kernel, window.strides, window.pads);
  op.activation = activation;
  return op;
}

constexpr Window kValid{{3, 3}, {1, 1}, {0, 0, 0, 0}};

/// Of which the gradients of inputs and weights are made, too.
std::vector<Conv2DOp> cases_in_training() {
  return {conv(32, 28, 28, 32),                                  // two tiles a line
          conv(32, 14, 14, 64, {}, kRelu),                       // one
          conv(64, 7, 7, 128),                                   // three vectors at once, and two
          conv(16, 9, 5, 48),                                    // three alone
          conv(32, 5, 3, 80, {}, kRelu),                         // pictures two at a time
          conv(16, 9, 9, 16, {}, kRelu),                         // one vector
          conv(16, 3, 1, 32),                                    // one column
          conv(48, 4, 2, 112),                                   // groups of 3, 2 and 2 vectors
          conv(16, 13, 13, 64, kValid, kRelu),                   // no zeros, two columns of them backward
          conv(16, 3, 3, 32, kValid),                            // one output
          conv(32, 6, 15, 32, {{2, 2}, {1, 1}, {0, 0, 1, 1}}),   // zeros on one side
          conv(16, 8, 10, 32, {{5, 3}, {1, 1}, {2, 1, 2, 1}})};  // two lines of zeros
}

/// Of which there is no gradient of inputs.
std::vector<Conv2DOp> cases_of_first_layers() {
  return {conv(1, 28, 28, 32),
          conv(3, 9, 30, 16, kValid, kRelu),
          conv(2, 8, 7, 48),
          conv(4, 6, 6, 32, {{3, 3}, {2, 2}, {0, 1, 1, 1}}),
          conv(5, 7, 8, 32, {}, kRelu),
          conv(1, 10, 11, 32, {{5, 5}, {1, 1}, {2, 2, 2, 2}})};
}

/// In evaluation alone.
std::vector<Conv2DOp> cases_in_evaluation() {
  return {conv(16, 9, 9, 16),
          conv(24, 8, 8, 32, {{3, 3}, {2, 2}, {0, 0, 1, 1}}, kRelu),
          conv(6, 7, 9, 32),
          conv(40, 3, 4, 64, {{1, 1}, {1, 1}, {0, 0, 0, 0}}),
          conv(32, 9, 14, 32, {{5, 5}, {1, 1}, {2, 2, 2, 2}}),
          conv(512, 4, 4, 512)};
}

class ConvOperator : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cpu().fast_bfloat16 || cpu().bfloat16_tiles) {
      GTEST_SKIP() << "needs AVX512-BF16, and no AMX";
    }
  }
};

BuildOptions options_of(std::int64_t batch, bool training, bool needs_input_grad) {
  BuildOptions options;
  options.batch = batch;
  options.training = training;
  options.needs_input_grad = needs_input_grad;
  options.dtype = Dtype::kBfloat16;
  return options;
}

OperatorResult result_of(const Conv2DOp& op, const BuildOptions& options, const OperatorData& data) {
  const auto tested = make_conv_operator(op, options);
  EXPECT_NE(tested, nullptr);
  return tested == nullptr ? OperatorResult{} : run_operator(*tested, op, options, data);
}

/// Batches of one, of pictures that threads share, of an odd number; 1 to 3 threads.
void compare(std::vector<Conv2DOp> cases, bool training, bool needs_input_grad) {
  for (Conv2DOp& op : cases) {
    for (const std::int64_t batch : {1, 3, 13}) {
      op.bias = batch != 3;
      SCOPED_TRACE(::testing::Message() << op.in.channels << " to " << op.out.channels << " channels, " << op.in.height
                                        << " x " << op.in.width << ", kernel " << op.kernel[0] << " x " << op.kernel[1]
                                        << ", batch " << batch);
      const BuildOptions options = options_of(batch, training, needs_input_grad);
      const OperatorData data = random_operands(op, batch);
      const OperatorResult expected = run_reference(op, options, data);
      std::vector<OperatorResult> results;
      for (const int threads : {1, 2, 3}) {
        const ThreadScope scope(threads);
        results.push_back(result_of(op, options, data));
        expect_close(results.back(), expected, 5e-3);
        EXPECT_EQ(results.back().output, results.front().output) << threads << " threads";
        EXPECT_EQ(results.back().input_grads, results.front().input_grads) << threads << " threads";
      }
    }
  }
}

TEST_F(ConvOperator, IsAsThePlainLoopsInTraining) { compare(cases_in_training(), true, true); }
TEST_F(ConvOperator, IsAsThePlainLoopsInFirstLayers) { compare(cases_of_first_layers(), true, false); }
TEST_F(ConvOperator, IsAsThePlainLoopsInEvaluation) {
  compare(cases_in_training(), false, false);
  compare(cases_of_first_layers(), false, false);
  compare(cases_in_evaluation(), false, false);
}

/// One row of the tables of tiles after the other: lines of 1 to 30 columns, of one vector to five.
TEST_F(ConvOperator, HasATileForEveryLine) {
  for (std::int64_t width = 1; width <= 30; ++width) {
    for (const std::int64_t filters : {16, 32, 48, 64, 80}) {
      for (const std::int64_t batch : {1, 9}) {
        SCOPED_TRACE(::testing::Message() << width << " columns, " << filters << " filters, batch " << batch);
        const Conv2DOp op = conv(6, 2, width, filters);
        const BuildOptions options = options_of(batch, false, false);
        const OperatorData data = random_operands(op, batch);
        expect_close(result_of(op, options, data), run_reference(op, options, data), 5e-3);
      }
    }
  }
}

TEST_F(ConvOperator, LetsNotANumberThrough) {
  for (const std::int64_t channels : {1, 16}) {
    const Conv2DOp op = conv(channels, 8, 8, 32, {}, kRelu);
    OperatorData data = random_operands(op, 1);
    data.inputs[0][0] = std::numeric_limits<float>::quiet_NaN();
    const OperatorResult result = result_of(op, options_of(1, false, false), data);
    EXPECT_TRUE(std::isnan(result.output.front()));
    EXPECT_FALSE(std::isnan(result.output.back()));
  }
}

TEST_F(ConvOperator, IsMadeWhereAllPassesAre) {
  const auto made = [](const Conv2DOp& op, bool training = true, Dtype dtype = Dtype::kBfloat16) {
    BuildOptions options = options_of(8, training, true);
    options.dtype = dtype;
    return is_conv_supported(op, options);
  };
  EXPECT_TRUE(made(conv(32, 14, 14, 64)));
  EXPECT_FALSE(made(conv(32, 14, 14, 64), true, Dtype::kFloat32));
  EXPECT_FALSE(made(conv(32, 14, 14, 60), false)) << "no whole vectors of outputs";
  EXPECT_FALSE(made(conv(24, 14, 14, 64))) << "nor of gradients of inputs";
  EXPECT_TRUE(made(conv(24, 14, 14, 64), false));
  EXPECT_FALSE(made(conv(32, 14, 14, 64, {{3, 3}, {2, 2}, {1, 1, 1, 1}}))) << "strides backward";
  EXPECT_TRUE(made(conv(32, 14, 14, 64, {{3, 3}, {2, 2}, {1, 1, 1, 1}}), false));
  EXPECT_FALSE(made(conv(32, 14, 14, 64, {{7, 7}, {1, 1}, {3, 3, 3, 3}}), false)) << "wide zeros";
  EXPECT_FALSE(made(conv(512, 7, 7, 512))) << "too many sums of a gradient";
  BuildOptions stored = options_of(8, false, false);
  stored.stored_layouts = {WeightLayout::plain({3, 3, 32, 64}), WeightLayout::plain({64})};
  EXPECT_FALSE(is_conv_supported(conv(32, 14, 14, 64), stored)) << "another layout";
}

TEST(ConvForward, PaysByRule) {
  const Cpu avx512_bf16{"", "avx512_core_bf16", true, false};
  const Conv2DOp op = conv(32, 14, 14, 64);
  EXPECT_TRUE(ConvForward::is_supported(op, Dtype::kBfloat16, avx512_bf16));
  EXPECT_FALSE(ConvForward::is_supported(op, Dtype::kFloat32, avx512_bf16));
  EXPECT_FALSE(ConvForward::is_supported(op, Dtype::kBfloat16, {"", "avx512_core_amx", true, true}));
  EXPECT_FALSE(ConvForward::is_supported(op, Dtype::kBfloat16, {"", "avx2", false, false}));
}

}  // namespace
}  // namespace lapel::kernels
