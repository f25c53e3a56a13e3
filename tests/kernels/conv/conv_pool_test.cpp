#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/threads.h"
#include "kernels/conv/conv.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "lapel/error.h"

/// A convolution on pictures and the maximum pooling after it, against both in plain loops.
namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::OperatorData;
using testing::OperatorResult;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

struct Sizes {
  std::int64_t channels, height, width, filters, pad;
  bool bias;
  ActivationKind activation;
};

ConvPoolOp joined(const Sizes& sizes) {
  ConvPoolOp op;
  op.conv.in = Shape::image(sizes.channels, sizes.height, sizes.width);
  op.conv.kernel = {3, 3};
  op.conv.strides = {1, 1};
  op.conv.pad_top = op.conv.pad_left = op.conv.pad_bottom = op.conv.pad_right = sizes.pad;
  op.conv.out = Shape::image(sizes.filters, sizes.height + 2 * sizes.pad - 2, sizes.width + 2 * sizes.pad - 2);
  op.conv.bias = sizes.bias;
  op.pool.in = op.conv.out;
  op.pool.pool = {2, 2};
  op.pool.strides = {2, 2};
  op.pool.out = Shape::image(sizes.filters, op.conv.out.height / 2, op.conv.out.width / 2);
  op.pool.activation = sizes.activation;
  return op;
}

constexpr auto kLinear = ActivationKind::kLinear;
constexpr auto kRelu = ActivationKind::kRelu;

std::vector<ConvPoolOp> cases() {
  return {joined({1, 28, 28, 32, 0, true, kRelu}), joined({1, 8, 10, 16, 1, false, kLinear}),
          joined({1, 9, 7, 24, 1, true, kRelu}),   joined({3, 7, 9, 5, 0, true, kRelu}),
          joined({4, 6, 6, 40, 1, false, kRelu}),  joined({2, 4, 5, 1, 0, true, kLinear})};
}

BuildOptions first_layer(std::int64_t batch, Dtype dtype, bool training) {
  BuildOptions options;
  options.batch = batch;
  options.training = training;
  options.needs_input_grad = false;
  options.dtype = dtype;
  return options;
}

class ConvPool : public testing::EachTarget {};

TEST_P(ConvPool, IsAsThePlainLoops) {
  for (const int threads : {1, 2}) {
    const ThreadScope scope(threads);
    for (const ConvPoolOp& op : cases()) {
      for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
        for (const std::int64_t batch : {1, 7}) {
          for (const bool training : {true, false}) {
            SCOPED_TRACE(::testing::Message()
                         << op.conv.in.channels << " to " << op.conv.out.channels << " channels, " << threads
                         << " threads, batch " << batch << ", " << (dtype == Dtype::kFloat32 ? "float32" : "bfloat16"));
            const BuildOptions options = first_layer(batch, dtype, training);
            const OperatorData data = random_operands(op, batch);
            const auto tested = make_operator(op, options);
            expect_close(run_operator(*tested, op, options, data), run_reference(op, options, data),
                         dtype == Dtype::kFloat32 ? 1e-5 : 5e-3);
          }
        }
      }
    }
  }
}

/// In one type, the two operators one after another say the same, ties included.
TEST_P(ConvPool, IsAsBothOneAfterAnother) {
  const ConvPoolOp op = cases()[0];
  const BuildOptions options = first_layer(3, Dtype::kFloat32, true);
  OperatorData data = random_operands(op, 3);
  for (std::size_t i = 0; i < data.inputs[0].size(); ++i) {
    data.inputs[0][i] = i % 7 < 5 ? 0.0F : 0.5F;  // windows in which all places are equal, and some
  }
  const auto tested = make_operator(op, options);
  const OperatorResult actual = run_operator(*tested, op, options, data);

  BuildOptions with_input_grad = options;
  with_input_grad.needs_input_grad = true;
  const OperatorData of_conv{data.inputs, data.weights,
                             std::vector<float>(3 * static_cast<std::size_t>(op.conv.out.size()))};
  OperatorData of_pool{{run_reference(op.conv, options, of_conv).output}, {}, data.output_grad};
  const OperatorResult pooled = run_reference(op.pool, with_input_grad, of_pool);
  OperatorData back = of_conv;
  back.output_grad = pooled.input_grads[0];
  const OperatorResult gradients = run_reference(op.conv, options, back);
  expect_close(actual.output, pooled.output, 1e-5, "output");
  expect_close(actual.weight_grads[0], gradients.weight_grads[0], 1e-5, "kernel's gradient");
  expect_close(actual.weight_grads[1], gradients.weight_grads[1], 1e-5, "bias's gradient");
}

TEST_P(ConvPool, LetsNotANumberThrough) {
  for (const ActivationKind activation : {kLinear, kRelu}) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      const ConvPoolOp op = joined({1, 8, 8, 17, 1, true, activation});
      const BuildOptions options = first_layer(2, dtype, false);
      OperatorData data = random_operands(op, 2);
      data.inputs[0][0] = std::numeric_limits<float>::quiet_NaN();
      const auto tested = make_operator(op, options);
      const OperatorResult result = run_operator(*tested, op, options, data);
      EXPECT_TRUE(std::isnan(result.output[0]));
      EXPECT_FALSE(std::isnan(result.output.back()));
    }
  }
}

/// In evaluation no sums meet, so that a picture's lines may be divided anyhow.
TEST_P(ConvPool, AnyThreadsSameBitsInEvaluation) {
  for (const ConvPoolOp& op : cases()) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      for (const std::int64_t batch : {1, 2, 5}) {
        const OperatorData data = random_operands(op, batch);
        const auto result = [&](int threads) {
          const ThreadScope scope(threads);
          const BuildOptions options = first_layer(batch, dtype, false);
          const auto tested = make_operator(op, options);
          return run_operator(*tested, op, options, data);
        };
        const OperatorResult serial = result(1);
        EXPECT_EQ(result(2), serial);
        EXPECT_EQ(result(3), serial);
      }
    }
  }
}

TEST_P(ConvPool, SameThreadsSameBits) {
  const ConvPoolOp op = cases()[0];
  for (const int threads : {1, 2}) {
    const ThreadScope scope(threads);
    const BuildOptions options = first_layer(16, Dtype::kBfloat16, true);
    const OperatorData data = random_operands(op, 16);
    const auto tested = make_operator(op, options);
    EXPECT_EQ(run_operator(*tested, op, options, data), run_operator(*tested, op, options, data));
  }
}

TEST(ConvPoolMaker, SaysWhatIsNoSingleStep) {
  const auto message_of = [](const ConvPoolOp& op, const BuildOptions& options) -> std::string {
    try {
      static_cast<void>(make_operator(op, options));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  ConvPoolOp wide = cases()[0];
  wide.conv.kernel = {5, 5};
  const std::string refused = "conv2d_max_pool2d: such a convolution and pooling are no single step";
  EXPECT_EQ(message_of(wide, first_layer(1, Dtype::kFloat32, true)), refused);
  BuildOptions inner = first_layer(1, Dtype::kFloat32, true);
  inner.needs_input_grad = true;
  EXPECT_EQ(message_of(cases()[0], inner), refused);
  BuildOptions stored = first_layer(1, Dtype::kFloat32, true);
  stored.stored_layouts = {WeightLayout::plain({3, 3, 1, 32})};
  EXPECT_EQ(message_of(cases()[0], stored), "conv2d_max_pool2d: weights are stored in another than the plain order");
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, ConvPool, testing::all_targets(), testing::target_name());

}  // namespace
}  // namespace lapel::kernels
