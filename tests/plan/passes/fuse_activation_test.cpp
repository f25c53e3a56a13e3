#include "plan/passes/fuse_activation.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using kernels::ActivationOp;
using kernels::BatchNormOp;
using kernels::DenseOp;

TEST(FuseActivation, OfProductsAndNormalizations) {
  test::HandMade made;
  const auto dense = made.add(DenseOp{1, 4, 6}, {made.input(4)});
  const auto relu = made.add(ActivationOp{ActivationKind::kRelu, 6, 6}, {dense});
  const auto norm = made.add(BatchNormOp{.size = 6, .channels = 6, .scale = false}, {relu});
  made.add(ActivationOp{ActivationKind::kGelu, 6, 6}, {norm});
  EXPECT_EQ(to_text(made.program()),
            "%0 = input() 4, scale 0.5  # a\n"
            "%1 = dense(%0; b0 b1) 1 x 4 -> 6  # b\n"
            "%2 = relu(%1) 6  # c\n"
            "%3 = batch_norm(%2; d0 d1 d2) 6 of 6  # d\n"
            "%4 = gelu(%3) 6  # e\n"
            "logits %4\n");
  EXPECT_EQ(test::text_after(fuse_activation, made.program()),
            "%0 = input() 4, scale 0.5  # a\n"
            "%2 = dense(%0; b0 b1) 1 x 4 -> 6 relu  # b\n"
            "%4 = batch_norm(%2; d0 d1 d2) 6 of 6 gelu  # d\n"
            "logits %4\n");
}

TEST(FuseActivation, NotOnTopOfAnother) {
  test::HandMade made;
  const auto dense = made.add(DenseOp{1, 4, 6, true, ActivationKind::kRelu}, {made.input(4)});
  made.add(ActivationOp{ActivationKind::kRelu, 6, 6}, {dense});
  test::expect_unchanged(fuse_activation, made.program());
}

TEST(FuseActivation, NotWhereTheResultBeforeItIsReadTwice) {
  test::HandMade made;
  const auto dense = made.add(DenseOp{1, 4, 6}, {made.input(4)});
  const auto relu = made.add(ActivationOp{ActivationKind::kRelu, 6, 6}, {dense});
  made.add(kernels::AddOp{6}, {dense, relu});
  test::expect_unchanged(fuse_activation, made.program());
}

TEST(FuseActivation, NotOfKindsThatTheOperatorDoesNotApply) {
  for (const auto kind : {ActivationKind::kGelu, ActivationKind::kTanh, ActivationKind::kSigmoid}) {
    test::HandMade made;
    made.add(ActivationOp{kind, 6, 6}, {made.add(DenseOp{1, 4, 6}, {made.input(4)})});
    test::expect_unchanged(fuse_activation, made.program());
  }
  test::HandMade pictures;
  pictures.add(ActivationOp{ActivationKind::kRelu, 4, 4}, {pictures.input(4)});
  test::expect_unchanged(fuse_activation, pictures.program());
}

}  // namespace
}  // namespace lapel::plan
