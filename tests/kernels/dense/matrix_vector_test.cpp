#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/dense/dense.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"

namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::OperatorData;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

constexpr auto kLinear = ActivationKind::kLinear;
constexpr auto kRelu = ActivationKind::kRelu;

class MatrixVector : public testing::EachTarget {
 protected:
  static void compare(const DenseOp& op, const std::vector<WeightLayout>& layouts) {
    SCOPED_TRACE(::testing::Message() << op.in << " to " << op.out);
    const BuildOptions options{1, false, false, Dtype::kFloat32, layouts};
    const OperatorData data = random_operands(op, 1);
    const auto tested = make_matrix_vector_operator(op, options, layouts);
    ASSERT_TRUE(tested);
    const auto run = [&](int threads) {
      const ThreadScope scope(threads);
      return run_operator(*tested, op, options, data);
    };
    const auto alone = run(1);
    EXPECT_TRUE(alone == run(2)) << "other bits on two threads";
    expect_close(alone, run_reference(op, options, data), 1e-5);
  }

  static std::vector<WeightLayout> plain(const DenseOp& op) {
    std::vector<WeightLayout> layouts{WeightLayout::plain({op.in, op.out})};
    if (op.bias) {
      layouts.push_back(WeightLayout::plain({op.out}));
    }
    return layouts;
  }
};

TEST_P(MatrixVector, OfPlainWeights) {
  for (const std::int64_t out : {16, 32, 48, 64, 80, 208, 1024}) {
    for (const std::int64_t in : {1, 7, 8, 100, 1500}) {
      const DenseOp op{1, in, out, in != 7, in == 100 ? kLinear : kRelu};
      compare(op, plain(op));
    }
  }
}

TEST_P(MatrixVector, OfWeightsThatAnotherBatchStored) {
  for (const std::int64_t out : {1, 10, 33, 64, 100, 300}) {
    for (const std::int64_t in : {3, 37, 784, 1100}) {
      const DenseOp op{1, in, out, true, kRelu};
      const auto stored = make_operator(op, {32, true, false, Dtype::kFloat32, {}})->weight_layouts();
      if (make_matrix_vector_operator(op, {1, false, false, Dtype::kFloat32, {}}, stored)) {
        compare(op, stored);
      }
    }
  }
}

TEST_P(MatrixVector, KeepsANaN) {
  const DenseOp op{1, 20, 16, true, kRelu};
  OperatorData data = random_operands(op, 1);
  data.inputs[0][3] = std::numeric_limits<float>::quiet_NaN();
  const BuildOptions options{1, false, false, Dtype::kFloat32, plain(op)};
  const auto tested = make_matrix_vector_operator(op, options, plain(op));
  for (const float value : run_operator(*tested, op, options, data).output) {
    EXPECT_TRUE(std::isnan(value));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, MatrixVector, testing::all_targets(), testing::target_name());

TEST(MatrixVectorOperator, IsForOneRowInEvaluationOnly) {
  const DenseOp op{1, 20, 16, false, kRelu};
  const std::vector<WeightLayout> layouts{WeightLayout::plain({20, 16})};
  const auto made = [&](const DenseOp& which, const BuildOptions& options) {
    return is_matrix_vector_supported(which, options) &&
           make_matrix_vector_operator(which, options, layouts) != nullptr;
  };
  EXPECT_TRUE(made(op, {1, false, false, Dtype::kFloat32, {}}));
  EXPECT_FALSE(made(op, {2, false, false, Dtype::kFloat32, {}}));
  EXPECT_FALSE(made(op, {1, true, false, Dtype::kFloat32, {}}));
  EXPECT_FALSE(made(op, {1, false, false, Dtype::kBfloat16, {}}));
  DenseOp rows = op;
  rows.rows = 2;
  EXPECT_FALSE(made(rows, {1, false, false, Dtype::kFloat32, {}}));
  const DenseOp odd{1, 20, 10, false, kRelu};
  EXPECT_FALSE(
      make_matrix_vector_operator(odd, {1, false, false, Dtype::kFloat32, {}}, {WeightLayout::plain({20, 10})}));
}

}  // namespace
}  // namespace lapel::kernels
