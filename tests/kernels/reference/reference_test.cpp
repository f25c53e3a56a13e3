#include "kernels/reference/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "kernels/operator_harness.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using testing::OperatorData;
using testing::OperatorResult;
using testing::random_operands;
using testing::run_reference;

struct Case {
  std::string name;
  Op op;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

Conv2DOp conv(ActivationKind activation, bool bias) {
  Conv2DOp op;
  op.in = Shape::image(2, 4, 5);
  op.kernel = {3, 2};
  op.strides = {2, 1};
  op.pad_top = 0;
  op.pad_bottom = 1;
  op.pad_left = 1;
  op.pad_right = 0;
  op.out = Shape::image(3, 2, 5);
  op.activation = activation;
  op.bias = bias;
  return op;
}

Pool2DOp pool(Pool2DOp::Kind kind) {
  Pool2DOp op;
  op.kind = kind;
  op.in = Shape::image(2, 5, 4);
  op.pool = {3, 3};
  op.strides = {2, 2};
  op.pad_top = op.pad_bottom = 1;
  op.pad_left = 0;
  op.pad_right = 1;
  op.out = Shape::image(2, 3, 2);
  return op;
}

std::vector<Case> cases() {
  return {
      {"dense", DenseOp{1, 6, 4, true, ActivationKind::kLinear}},
      {"dense_rows_relu", DenseOp{3, 5, 4, true, ActivationKind::kRelu}},
      {"dense_no_bias", DenseOp{2, 3, 7, false, ActivationKind::kLinear}},
      {"dense_chain",
       DenseChainOp{{DenseOp{3, 2, 5, true, ActivationKind::kRelu}, DenseOp{3, 5, 3, false, ActivationKind::kLinear},
                     DenseOp{3, 3, 4, true, ActivationKind::kRelu}}}},
      {"conv", conv(ActivationKind::kLinear, true)},
      {"conv_relu", conv(ActivationKind::kRelu, true)},
      {"conv_no_bias", conv(ActivationKind::kLinear, false)},
      {"max_pool", pool(Pool2DOp::Kind::kMax)},
      {"average_pool", pool(Pool2DOp::Kind::kAverage)},
      {"global_max_pool", GlobalPool2DOp{Pool2DOp::Kind::kMax, Shape::image(3, 2, 4)}},
      {"global_average_pool", GlobalPool2DOp{Pool2DOp::Kind::kAverage, Shape::image(3, 2, 4)}},
      {"linear", ActivationOp{ActivationKind::kLinear, 20, 5}},
      {"relu", ActivationOp{ActivationKind::kRelu, 20, 5}},
      {"gelu", ActivationOp{ActivationKind::kGelu, 20, 5}},
      {"tanh", ActivationOp{ActivationKind::kTanh, 20, 5}},
      {"sigmoid", ActivationOp{ActivationKind::kSigmoid, 20, 5}},
      {"softmax", ActivationOp{ActivationKind::kSoftmax, 20, 5}},
      {"dropout", DropoutOp{20, 0.4, 1}},
      {"add", AddOp{12, 3}},
  };
}

constexpr std::int64_t kBatch = 2;

BuildOptions options_of(bool training, Dtype dtype = Dtype::kFloat32) {
  BuildOptions options;
  options.batch = kBatch;
  options.training = training;
  options.dtype = dtype;
  return options;
}

/// The slope of sum(output * output_grad), where it has one.
class FiniteDifferences : public ::testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] double objective() const {
    const OperatorResult result = run_reference(GetParam().op, options_of(false), data_, state_);
    double sum = 0;
    for (std::size_t i = 0; i < result.output.size(); ++i) {
      sum += static_cast<double>(result.output[i]) * static_cast<double>(data_.output_grad[i]);
    }
    return sum;
  }

  /// Compares `grads` with the slopes in `numbers`, which are part of data_. Where the slopes to both sides differ
  /// (a kink of relu or of a maximum within a step) the gradient must be between them.
  void compare(std::vector<float>& numbers, const std::vector<float>& grads, const std::string& what) {
    constexpr float kStep = 0x1p-9F;
    constexpr double kTolerance = 2e-3;
    ASSERT_EQ(numbers.size(), grads.size());
    const double here = objective();
    std::size_t kinks = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const float before = numbers[i];
      numbers[i] = before + kStep;
      const double right = (objective() - here) / static_cast<double>(numbers[i] - before);
      numbers[i] = before - kStep;
      const double left = (here - objective()) / static_cast<double>(before - numbers[i]);
      numbers[i] = before;
      const auto grad = static_cast<double>(grads[i]);
      if (std::abs(right - left) > 0.02) {
        ++kinks;
        EXPECT_GE(grad, std::min(left, right) - kTolerance) << what << i;
        EXPECT_LE(grad, std::max(left, right) + kTolerance) << what << i;
      } else {
        ASSERT_NEAR(grad, (left + right) / 2, kTolerance) << what << i;
      }
    }
    EXPECT_LE(kinks, numbers.size() / 10) << what << "too many kinks to say that this was tested";
  }

  std::vector<std::uint32_t> samples_{5, 9};
  StepState state_{nullptr, samples_, {}, 1, 2, true};
  OperatorData data_ = random_operands(GetParam().op, kBatch);
};

TEST_P(FiniteDifferences, AreTheGradients) {
  const OperatorResult result = run_reference(GetParam().op, options_of(true), data_, state_);
  ASSERT_EQ(result.input_grads.size(), data_.inputs.size());
  ASSERT_EQ(result.weight_grads.size(), data_.weights.size());
  for (std::size_t k = 0; k < data_.inputs.size(); ++k) {
    compare(data_.inputs[k], result.input_grads[k], "input " + std::to_string(k) + ", number ");
  }
  for (std::size_t k = 0; k < data_.weights.size(); ++k) {
    compare(data_.weights[k], result.weight_grads[k], "weight " + std::to_string(k) + ", number ");
  }
}

/// In bfloat16 the same from rounded numbers: within the roundings of input and output.
TEST_P(FiniteDifferences, Bfloat16IsTheSameRounded) {
  for (auto* group : {&data_.inputs, &data_.weights}) {
    for (auto& numbers : *group) {
      for (float& number : numbers) {
        number = static_cast<float>(static_cast<int>(number * 64)) / 64;  // exact in bfloat16
      }
    }
  }
  for (float& number : data_.output_grad) {
    number = static_cast<float>(static_cast<int>(number * 64)) / 64;
  }
  const OperatorResult wide = run_reference(GetParam().op, options_of(true), data_, state_);
  const OperatorResult low = run_reference(GetParam().op, options_of(true, Dtype::kBfloat16), data_, state_);
  testing::expect_close(low, wide, 0x1p-7);
}

INSTANTIATE_TEST_SUITE_P(All, FiniteDifferences, ::testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

OperatorData data_of(std::vector<float> input, std::vector<float> output_grad,
                     std::vector<std::vector<float>> weights = {}) {
  return {{std::move(input)}, std::move(weights), std::move(output_grad)};
}

OperatorResult run_one(const Op& op, const OperatorData& data) {
  BuildOptions options = options_of(true);
  options.batch = 1;
  return run_reference(op, options, data);
}

// x = (1, 2), W = ((1, 2, 3), (4, 5, 6)), b = (10, 20, -30): y = (19, 32, -15), relu: (19, 32, 0).
TEST(ReferenceGolden, Dense) {
  const OperatorResult result = run_one(DenseOp{1, 2, 3, true, ActivationKind::kRelu},
                                        data_of({1, 2}, {1, 10, 100}, {{1, 2, 3, 4, 5, 6}, {10, 20, -30}}));
  EXPECT_EQ(result.output, (std::vector<float>{19, 32, 0}));
  EXPECT_EQ(result.input_grads[0], (std::vector<float>{21, 54}));
  EXPECT_EQ(result.weight_grads[0], (std::vector<float>{1, 10, 0, 2, 20, 0}));
  EXPECT_EQ(result.weight_grads[1], (std::vector<float>{1, 10, 0}));
}

// 3 x 3 picture 1..9, kernel ((1, 2), (3, 4)), not flipped: 1 + 4 + 12 + 20 = 37, ...
TEST(ReferenceGolden, ConvolutionIsCrossCorrelation) {
  Conv2DOp op;
  op.in = Shape::image(1, 3, 3);
  op.out = Shape::image(1, 2, 2);
  op.kernel = {2, 2};
  op.strides = {1, 1};
  const OperatorResult result = run_one(op, data_of({1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 0, 0, 0}, {{1, 2, 3, 4}, {0.5}}));
  EXPECT_EQ(result.output, (std::vector<float>{37.5, 47.5, 67.5, 77.5}));
  EXPECT_EQ(result.input_grads[0], (std::vector<float>{1, 2, 0, 3, 4, 0, 0, 0, 0}));
  EXPECT_EQ(result.weight_grads[0], (std::vector<float>{1, 2, 4, 5}));
  EXPECT_EQ(result.weight_grads[1], (std::vector<float>{1}));
}

TEST(ReferenceGolden, PaddingNeverWinsAndIsNotCounted) {
  Pool2DOp op;
  op.in = Shape::image(1, 1, 3);
  op.out = Shape::image(1, 1, 2);
  op.pool = {1, 2};
  op.strides = {1, 2};
  op.pad_right = 1;
  op.kind = Pool2DOp::Kind::kMax;
  EXPECT_EQ(run_one(op, data_of({-3, -2, -1}, {1, 2})).output, (std::vector<float>{-2, -1}));
  op.kind = Pool2DOp::Kind::kAverage;
  const OperatorResult mean = run_one(op, data_of({-3, -2, -1}, {1, 2}));
  EXPECT_EQ(mean.output, (std::vector<float>{-2.5, -1}));
  EXPECT_EQ(mean.input_grads[0], (std::vector<float>{0.5, 0.5, 2}));
}

TEST(ReferenceGolden, MaximumOfEqualsIsTheFirst) {
  Pool2DOp op;
  op.in = Shape::image(1, 2, 2);
  op.out = Shape::image(1, 1, 1);
  op.pool = op.strides = {2, 2};
  EXPECT_EQ(run_one(op, data_of({1, 7, 7, 7}, {5})).input_grads[0], (std::vector<float>{0, 5, 0, 0}));
}

// Keras: gelu(1) = 0.8413447, gelu(-2) = -0.0455003, sigmoid(1) = 0.7310586, tanh(1) = 0.7615942.
TEST(ReferenceGolden, Activations) {
  const auto at = [](ActivationKind kind, float x) {
    return run_one(ActivationOp{kind, 1, 1}, data_of({x}, {1})).output[0];
  };
  EXPECT_FLOAT_EQ(at(ActivationKind::kGelu, 1), 0.8413447F);
  EXPECT_NEAR(at(ActivationKind::kGelu, -2), -0.0455003, 1e-7);
  EXPECT_FLOAT_EQ(at(ActivationKind::kSigmoid, 1), 0.7310586F);
  EXPECT_FLOAT_EQ(at(ActivationKind::kTanh, 1), 0.7615942F);
  EXPECT_EQ(at(ActivationKind::kRelu, -1), 0);
  EXPECT_EQ(at(ActivationKind::kRelu, -std::numeric_limits<float>::infinity()), 0);
  EXPECT_TRUE(std::isnan(at(ActivationKind::kRelu, std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(at(ActivationKind::kSigmoid, -1e4F), 0);
}

TEST(ReferenceGolden, SoftmaxOfHugeNumbers) {
  const auto result = run_one(ActivationOp{ActivationKind::kSoftmax, 4, 2}, data_of({1e4F, -1e4F, 3, 3}, {1, 0, 1, 0}));
  EXPECT_EQ(result.output, (std::vector<float>{1, 0, 0.5, 0.5}));
  EXPECT_EQ(result.input_grads[0], (std::vector<float>{0, 0, 0.25, -0.25}));
}

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

TEST(ReferenceErrors, SayWhat) {
  EXPECT_EQ(message_of([] { (void)make_reference_operator(ReshapeOp{4}, {}); }),
            "a reshape is no operator: its output is its input");
  EXPECT_EQ(message_of([] {
              (void)make_reference_operator(DenseOp{1, 2, 3, true, ActivationKind::kGelu}, {});
            }),
            "only relu is fused into a product");
  BuildOptions options;
  options.stored_layouts = {WeightLayout::plain({3, 2})};
  EXPECT_EQ(message_of([&] {
              (void)make_reference_operator(DenseOp{1, 2, 3, true}, options);
            }),
            "reference operators read plain weights; weight 0 is not");
}

TEST(Ops, NamesAndArithmetic) {
  EXPECT_EQ(describe(DenseOp{}).name, "dense");
  EXPECT_EQ(describe(pool(Pool2DOp::Kind::kAverage)).name, "average_pool2d");
  EXPECT_EQ(describe(ActivationOp{ActivationKind::kGelu, 1, 1}).name, "gelu");
  EXPECT_EQ(describe(InputOp{}).name, "input");
  EXPECT_EQ(describe(DenseOp{2, 784, 10}).flop, 2 * 2 * 784 * 10);
  EXPECT_EQ(describe(conv(ActivationKind::kRelu, true)).flop, 2 * (2 * 5 * 3) * (3 * 2 * 2));
  EXPECT_EQ(describe(AddOp{100, 2}).flop, 0);
}

}  // namespace
}  // namespace lapel::kernels
