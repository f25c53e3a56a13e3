#include "plan/passes/pool_before_relu.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using kernels::Conv2DOp;
using kernels::Pool2DOp;

const Shape kIn = Shape::image(2, 32, 32);
const Conv2DOp kConv{kIn, kIn, {1, 1}, {1, 1}, 0, 0, 0, 0, true, ActivationKind::kRelu};

Pool2DOp pool(Pool2DOp::Kind kind, std::int64_t window) {
  return {kind, kIn, Shape::image(2, 32 / window, 32 / window), {window, window}, {window, window}};
}

Program with(const Pool2DOp& pooling) {
  test::HandMade made;
  made.add(pooling, {made.add(kConv, {made.input(2048)})});
  return made.program();
}

TEST(PoolBeforeRelu, TheMaximumHasTheRelu) {
  const Program program = with(pool(Pool2DOp::Kind::kMax, 2));
  EXPECT_EQ(to_text(program),
            "%0 = input() 2048, scale 0.5  # a\n"
            "%1 = conv2d(%0; b0 b1) 32 x 32 x 2 -> 32 x 32 x 2 relu  # b\n"
            "%2 = max_pool2d(%1) 32 x 32 x 2 -> 16 x 16 x 2  # c\n"
            "logits %2\n");
  EXPECT_EQ(test::text_after(pool_before_relu, program),
            "%0 = input() 2048, scale 0.5  # a\n"
            "%1 = conv2d(%0; b0 b1) 32 x 32 x 2 -> 32 x 32 x 2  # b\n"
            "%2 = max_pool2d(%1) 32 x 32 x 2 -> 16 x 16 x 2 relu  # c\n"
            "logits %2\n");
}

TEST(PoolBeforeRelu, NotOfMeansNorOfLargeWindows) {
  test::expect_unchanged(pool_before_relu, with(pool(Pool2DOp::Kind::kAverage, 2)));
  test::expect_unchanged(pool_before_relu, with(pool(Pool2DOp::Kind::kMax, 16)));
}

TEST(PoolBeforeRelu, NotWhereTheReluIsReadTwice) {
  test::HandMade made;
  const auto conv = made.add(kConv, {made.input(2048)});
  Pool2DOp same = pool(Pool2DOp::Kind::kMax, 2);
  same.out = kIn;
  same.strides = {1, 1};
  same.pad_bottom = same.pad_right = 1;
  made.add(kernels::AddOp{2048}, {conv, made.add(same, {conv})});
  test::expect_unchanged(pool_before_relu, made.program());
}

}  // namespace
}  // namespace lapel::plan
