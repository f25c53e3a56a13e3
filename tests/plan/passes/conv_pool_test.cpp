#include "plan/passes/conv_pool.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::Conv2DOp;
using kernels::Pool2DOp;

Conv2DOp conv(const Shape& in, const Shape& out) { return {in, out, {3, 3}, {1, 1}, 1, 1, 1, 1}; }

Pool2DOp pool(const Shape& in) {
  return {Pool2DOp::Kind::kMax, in, Shape::image(in.channels, in.height / 2, in.width / 2), {2, 2}, {2, 2}};
}

const Shape kGrey = Shape::image(1, 8, 8);
const Shape kFour = Shape::image(4, 8, 8);

TEST(ConvPool, TheFirstConvolutionAndItsMaximumAreOne) {
  test::HandMade made;
  auto maximum = pool(kFour);
  maximum.activation = kernels::ActivationKind::kRelu;
  const auto first = made.add(maximum, {made.add(conv(kGrey, kFour), {made.input(64)})});
  // The second one comes after weights.
  const Shape small = Shape::image(4, 4, 4);
  made.add(pool(small), {made.add(conv(small, small), {first})});
  EXPECT_EQ(to_text(made.program()),
            "%0 = input() 64, scale 0.5  # a\n"
            "%1 = conv2d(%0; b0 b1) 8 x 8 x 1 -> 8 x 8 x 4  # b\n"
            "%2 = max_pool2d(%1) 8 x 8 x 4 -> 4 x 4 x 4 relu  # c\n"
            "%3 = conv2d(%2; d0 d1) 4 x 4 x 4 -> 4 x 4 x 4  # d\n"
            "%4 = max_pool2d(%3) 4 x 4 x 4 -> 2 x 2 x 4  # e\n"
            "logits %4\n");
  EXPECT_EQ(test::text_after(conv_pool, made.program()),
            "%0 = input() 64, scale 0.5  # a\n"
            "%2 = conv2d_max_pool2d(%0; b0 b1) 8 x 8 x 1 -> 8 x 8 x 4; 8 x 8 x 4 -> 4 x 4 x 4 relu  # b\n"
            "%3 = conv2d(%2; d0 d1) 4 x 4 x 4 -> 4 x 4 x 4  # d\n"
            "%4 = max_pool2d(%3) 4 x 4 x 4 -> 2 x 2 x 4  # e\n"
            "logits %4\n");
}

TEST(ConvPool, NotWhereTheConvolutionIsReadTwice) {
  test::HandMade made;
  const auto linear = made.add(conv(kGrey, kFour), {made.input(64)});
  const auto once = made.add(pool(kFour), {linear});
  made.add(kernels::AddOp{64}, {once, made.add(pool(kFour), {linear})});
  test::expect_unchanged(conv_pool, made.program());
}

TEST(ConvPool, NotOfAnActivationOrManyChannels) {
  test::HandMade with_relu;
  auto relu = conv(kGrey, kFour);
  relu.activation = kernels::ActivationKind::kRelu;
  with_relu.add(pool(kFour), {with_relu.add(relu, {with_relu.input(64)})});
  test::expect_unchanged(conv_pool, with_relu.program());
  test::HandMade wide;
  wide.add(pool(kFour), {wide.add(conv(Shape::image(5, 8, 8), kFour), {wide.input(320)})});
  test::expect_unchanged(conv_pool, wide.program());
}

}  // namespace
}  // namespace lapel::plan
