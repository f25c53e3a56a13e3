#include "plan/passes/dense_chain.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using kernels::DenseOp;

DenseOp small(std::int64_t in, std::int64_t out) { return {16, in, out, true, ActivationKind::kRelu}; }

TEST(DenseChain, JoinsLayersAndPictures) {
  test::HandMade made;
  const auto first = made.add(small(1, 8), {made.input(16)});
  const auto second = made.add(small(8, 4), {first});
  made.add(DenseOp{1, 64, 10}, {second});
  EXPECT_EQ(to_text(made.program()),
            "%0 = input() 16, scale 0.5  # a\n"
            "%1 = dense(%0; b0 b1) 16 x 1 -> 8 relu  # b\n"
            "%2 = dense(%1; c0 c1) 16 x 8 -> 4 relu  # c\n"
            "%3 = dense(%2; d0 d1) 1 x 64 -> 10  # d\n"
            "logits %3\n");
  EXPECT_EQ(test::text_after(dense_chain, made.program()),
            "%2 = dense_chain_on_pixels(; b0 b1 c0 c1) 16 x 1 -> 8 relu -> 4 relu, scale 0.5  # c\n"
            "%3 = dense(%2; d0 d1) 1 x 64 -> 10  # d\n"
            "logits %3\n");
}

TEST(DenseChain, LeavesPicturesOfSeveralChannelsAndThoseThatAreReadTwice) {
  test::HandMade colours;
  colours.add(small(3, 8), {colours.input(48)});
  EXPECT_EQ(test::text_after(dense_chain, colours.program()),
            "%0 = input() 48, scale 0.5  # a\n"
            "%1 = dense_chain(%0; b0 b1) 16 x 3 -> 8 relu  # b\n"
            "logits %1\n");
  test::HandMade twice;
  const auto pictures = twice.input(16);
  twice.add(kernels::AddOp{16}, {pictures, twice.add(small(1, 1), {pictures})});
  EXPECT_EQ(test::text_after(dense_chain, twice.program()),
            "%0 = input() 16, scale 0.5  # a\n"
            "%1 = dense_chain(%0; b0 b1) 16 x 1 -> 1 relu  # b\n"
            "%2 = add(%0 %1) 16  # c\n"
            "logits %2\n");
}

TEST(DenseChain, OtherOperatorsAndWeightsBetweenDivideIt) {
  test::HandMade made;
  const auto first = made.add(small(3, 8), {made.input(48)});
  const auto branch = made.add(small(8, 8), {first});
  const auto other = made.add(small(8, 8), {first});
  const auto last = made.add(small(8, 8), {branch});  // The weights of `other` lie between.
  made.add(kernels::AddOp{128}, {last, other});
  EXPECT_EQ(test::text_after(dense_chain, made.program()),
            "%0 = input() 48, scale 0.5  # a\n"
            "%1 = dense_chain(%0; b0 b1) 16 x 3 -> 8 relu  # b\n"
            "%2 = dense_chain(%1; c0 c1) 16 x 8 -> 8 relu  # c\n"
            "%3 = dense_chain(%1; d0 d1) 16 x 8 -> 8 relu  # d\n"
            "%4 = dense_chain(%2; e0 e1) 16 x 8 -> 8 relu  # e\n"
            "%5 = add(%4 %3) 128  # f\n"
            "logits %5\n");
}

TEST(DenseChain, NotOfFewRowsOrManyNumbers) {
  test::HandMade few;
  few.add(DenseOp{15, 2, 8}, {few.input(30)});
  test::expect_unchanged(dense_chain, few.program());
  test::HandMade wide;
  wide.add(DenseOp{16, 2, 65}, {wide.input(32)});
  test::expect_unchanged(dense_chain, wide.program());
}

}  // namespace
}  // namespace lapel::plan
