#include "plan/gradient_flow.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::DenseOp;

/// %0 = pictures, %1 = flip(%0), %2 = dense(%1), %3 = dense(%2), %4 = add(%2 %3 %2).
Program residual(bool training) {
  test::HandMade made(training);
  const auto pictures = made.add(kernels::RandomFlipOp{Shape::image(1, 2, 2)}, {made.input(4)});
  const auto first = made.add(DenseOp{1, 4, 3}, {pictures});
  const auto second = made.add(DenseOp{1, 3, 3}, {first});
  made.add(kernels::AddOp{3, 3}, {first, second, first});
  return made.program();
}

TEST(GradientFlow, BeginsAtTheFirstWeights) {
  const GradientFlow flow = gradient_flow(residual(true));
  EXPECT_EQ(flow.backward, (std::vector{false, false, true, true, true}));
  EXPECT_EQ(flow.through_inputs, (std::vector{false, false, false, true, true}));
  EXPECT_EQ(flow.has_gradient, (std::vector{false, false, true, true, true}));
}

TEST(GradientFlow, HasAPartForEachTimeThatAValueIsRead) {
  EXPECT_EQ(gradient_flow(residual(true)).parts, (std::vector<std::size_t>{0, 0, 3, 1, 1}));
}

TEST(GradientFlow, IsNothingInEvaluation) {
  const GradientFlow flow = gradient_flow(residual(false));
  EXPECT_EQ(flow.backward, std::vector<bool>(5, false));
  EXPECT_EQ(flow.parts, std::vector<std::size_t>(5, 0));
}

TEST(GradientFlow, ASumWithoutAFactorPassesItOn) {
  EXPECT_TRUE(passes_gradient_on({kernels::AddOp{3, 2}, {}, 0, 0, 0, 0}));
  EXPECT_FALSE(passes_gradient_on({kernels::AddOp{3, 2, 0.5}, {}, 0, 0, 0, 0}));
  EXPECT_FALSE(passes_gradient_on({DenseOp{1, 3, 3}, {}, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace lapel::plan
