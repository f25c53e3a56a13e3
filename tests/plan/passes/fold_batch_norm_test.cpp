#include "plan/passes/fold_batch_norm.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using kernels::BatchNormOp;
using kernels::Conv2DOp;
using kernels::DenseOp;

const Shape kIn = Shape::image(1, 4, 4);
const Shape kOut = Shape::image(3, 4, 4);
const Conv2DOp kConv{.in = kIn, .out = kOut, .kernel = {3, 3}, .strides = {1, 1}, .bias = false};
const BatchNormOp kNorm{.size = 48, .channels = 3, .epsilon = 0.5, .scale = false};

Program frozen(const test::HandMade& made) {
  Program program = made.program();
  program.frozen = true;
  return program;
}

test::HandMade two_products() {
  test::HandMade made(false);
  const auto conv = made.add(kConv, {made.input(16)});
  const auto norm = made.add(kNorm, {conv});
  const auto dense = made.add(DenseOp{1, 48, 6}, {norm});
  made.add(BatchNormOp{.size = 6, .channels = 6}, {dense});
  return made;
}

TEST(FoldBatchNorm, NormalizationsAreInTheWeights) {
  const Program before = frozen(two_products());
  EXPECT_EQ(to_text(before),
            "%0 = input() 16, scale 0.5  # a\n"
            "%1 = conv2d(%0; b0) 4 x 4 x 1 -> 4 x 4 x 3  # b\n"
            "%2 = batch_norm(%1; c0 c1 c2) 48 of 3  # c\n"
            "%3 = dense(%2; d0 d1) 1 x 48 -> 6  # d\n"
            "%4 = batch_norm(%3; e0 e1 e2 e3) 6 of 6  # e\n"
            "logits %4\n");
  EXPECT_EQ(test::text_after(fold_batch_norm, before),
            "%0 = input() 16, scale 0.5  # a\n"
            "%2 = conv2d(%0; folded(b0) folded(b/bias)) 4 x 4 x 1 -> 4 x 4 x 3  # b\n"
            "%4 = dense(%2; folded(d0) folded(d1)) 1 x 48 -> 6  # d\n"
            "logits %4\n");
}

TEST(FoldBatchNorm, ParametersKnowWhereTheirNumbersComeFrom) {
  Program program = frozen(two_products());
  for (std::size_t i = 0; i < program.parameters.size(); ++i) {
    program.parameters[i].source = 10 + i;
  }
  fold_batch_norm(program);
  ASSERT_EQ(program.parameters.size(), 4U);
  EXPECT_EQ(program.parameters[0].source, 10U);
  EXPECT_EQ(program.parameters[1].source, kNone) << "the convolution had no bias";
  EXPECT_EQ(program.parameters[1].spec.shape, std::vector<std::int64_t>{3});
  EXPECT_EQ(program.parameters[2].source, 14U);
  EXPECT_EQ(program.parameters[3].source, 15U);
  const Normalization& first = *program.parameters[1].folded;
  EXPECT_EQ(first.gamma, kNone);
  EXPECT_EQ(first.beta, 11U);
  EXPECT_EQ(first.mean, 12U);
  EXPECT_EQ(first.variance, 13U);
  EXPECT_EQ(first.epsilon, 0.5);
  const Normalization& second = *program.parameters[2].folded;
  EXPECT_EQ(second.gamma, 16U);
  EXPECT_EQ(second.beta, 17U);
  EXPECT_EQ(second.mean, 18U);
  EXPECT_EQ(second.variance, 19U);
}

TEST(FoldBatchNorm, NotWhereWeightsStillChange) { test::expect_unchanged(fold_batch_norm, two_products().program()); }

TEST(FoldBatchNorm, LeavesThoseThatFollowSomethingElse) {
  test::HandMade made(false);
  const auto of_pictures = made.add(BatchNormOp{.size = 16, .channels = 1}, {made.input(16)});
  Conv2DOp relu = kConv;
  relu.activation = ActivationKind::kRelu;
  const auto after_relu = made.add(kNorm, {made.add(relu, {of_pictures})});
  const auto flat = made.add(kernels::ReshapeOp{48}, {after_relu});
  const auto dense = made.add(kernels::ReshapeOp{6}, {made.add(DenseOp{1, 48, 6}, {flat})});
  made.add(BatchNormOp{.size = 6, .channels = 6}, {dense});
  test::expect_unchanged(fold_batch_norm, frozen(made));
}

TEST(FoldBatchNorm, LeavesOneWhoseProductIsReadTwiceAndFoldsAcrossAnother) {
  test::HandMade made(false);
  const auto pictures = made.input(16);
  const auto twice = made.add(kConv, {pictures});
  const auto once = made.add(kConv, {pictures});
  const auto left = made.add(kNorm, {twice});
  const auto sum = made.add(kernels::AddOp{48}, {twice, left});
  const auto right = made.add(kNorm, {once});
  made.add(kernels::AddOp{48, 3}, {right, sum, right});
  EXPECT_EQ(test::text_after(fold_batch_norm, frozen(made)),
            "%0 = input() 16, scale 0.5  # a\n"
            "%1 = conv2d(%0; b0) 4 x 4 x 1 -> 4 x 4 x 3  # b\n"
            "%5 = conv2d(%0; folded(c0) folded(c/bias)) 4 x 4 x 1 -> 4 x 4 x 3  # c\n"
            "%3 = batch_norm(%1; d0 d1 d2) 48 of 3  # d\n"
            "%4 = add(%1 %3) 48  # e\n"
            "%6 = add(%5 %4 %5) 48  # g\n"
            "logits %6\n");
}

}  // namespace
}  // namespace lapel::plan
