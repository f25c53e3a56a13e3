#include "plan/passes/drop_last_softmax.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using kernels::ActivationOp;

TEST(DropLastSoftmax, TheLossReadsWhatItRead) {
  test::HandMade made;
  const auto pictures = made.input(4);
  made.add(ActivationOp{ActivationKind::kSoftmax, 4, 4}, {pictures});
  EXPECT_EQ(to_text(made.program()),
            "%0 = input() 4, scale 0.5  # a\n"
            "%1 = softmax(%0) 4  # b\n"
            "logits %1\n");
  EXPECT_EQ(test::text_after(drop_last_softmax, made.program()),
            "%0 = input() 4, scale 0.5  # a\n"
            "logits %0\n");
}

TEST(DropLastSoftmax, LeavesOthers) {
  test::HandMade inside;
  const auto shares = inside.add(ActivationOp{ActivationKind::kSoftmax, 4, 4}, {inside.input(4)});
  inside.add(ActivationOp{ActivationKind::kRelu, 4, 4}, {shares});
  test::expect_unchanged(drop_last_softmax, inside.program());
  test::HandMade other;
  other.add(ActivationOp{ActivationKind::kSigmoid, 4, 4}, {other.input(4)});
  test::expect_unchanged(drop_last_softmax, other.program());
}

}  // namespace
}  // namespace lapel::plan
