#include "plan/passes/drop_identities.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

test::HandMade with_identities(bool training) {
  test::HandMade made(training);
  const auto pictures = made.input(16);
  const auto flipped = made.add(kernels::RandomFlipOp{Shape::image(1, 4, 4)}, {pictures});
  const auto flat = made.add(kernels::ReshapeOp{16}, {flipped});
  const auto kept = made.add(kernels::DropoutOp{16, 0.0, 0}, {flat});
  const auto dropped = made.add(kernels::DropoutOp{16, 0.5, 1}, {kept});
  const auto dense = made.add(kernels::DenseOp{1, 16, 4}, {dropped});
  made.add(kernels::ActivationOp{kernels::ActivationKind::kLinear, 4, 4}, {dense});
  return made;
}

TEST(DropIdentities, InTraining) {
  const Program program = with_identities(true).program();
  EXPECT_EQ(to_text(program),
            "%0 = input() 16, scale 0.5  # a\n"
            "%1 = random_flip(%0) 4 x 4 x 1, unit 0  # b\n"
            "%2 = reshape(%1) 16  # c\n"
            "%3 = dropout(%2) 16, rate 0, unit 0  # d\n"
            "%4 = dropout(%3) 16, rate 0.5, unit 1  # e\n"
            "%5 = dense(%4; f0 f1) 1 x 16 -> 4  # f\n"
            "%6 = linear(%5) 4  # g\n"
            "logits %6\n");
  EXPECT_EQ(test::text_after(drop_identities, program),
            "%0 = input() 16, scale 0.5  # a\n"
            "%1 = random_flip(%0) 4 x 4 x 1, unit 0  # b\n"
            "%4 = dropout(%1) 16, rate 0.5, unit 1  # e\n"
            "%5 = dense(%4; f0 f1) 1 x 16 -> 4  # f\n"
            "logits %5\n");
}

TEST(DropIdentities, InEvaluation) {
  EXPECT_EQ(test::text_after(drop_identities, with_identities(false).program()),
            "%0 = input() 16, scale 0.5  # a\n"
            "%5 = dense(%0; f0 f1) 1 x 16 -> 4  # f\n"
            "logits %5\n");
}

TEST(DropIdentities, EveryReaderReadsTheInput) {
  test::HandMade made;
  const auto pictures = made.input(16);
  const auto flat = made.add(kernels::ReshapeOp{16}, {pictures});
  made.add(kernels::AddOp{16, 3}, {flat, pictures, flat});
  EXPECT_EQ(test::text_after(drop_identities, made.program()),
            "%0 = input() 16, scale 0.5  # a\n"
            "%2 = add(%0 %0 %0) 16  # c\n"
            "logits %2\n");
}

}  // namespace
}  // namespace lapel::plan
