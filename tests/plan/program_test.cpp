#include "plan/program.h"

#include "plan/hand_made.h"
#include "plan/lowering.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

using kernels::DenseOp;

TEST(Program, OfAModelSaysWhatItsLayersSay) {
  const model::Model model(
      "m",
      {lapel::test::layer("RandomFlip", {}, "flip"), lapel::test::layer("Flatten", {}, "flat"),
       lapel::test::layer("Dropout", {{"rate", 0.5}}, "first"),
       lapel::test::layer("Dropout", {{"rate", 0.25}}, "second"),
       lapel::test::layer("Dense", {{"units", std::int64_t{4}}, {"activation", std::string("softmax")}}, "out")},
      Shape::image(1, 4, 4));
  const std::string text =
      "%0 = input() 16, scale 0.25  # input_layer\n"
      "%1 = random_flip(%0) 4 x 4 x 1, unit 0  # flip\n"
      "%2 = reshape(%1) 16  # flat\n"
      "%3 = dropout(%2) 16, rate 0.5, unit 0  # first\n"
      "%4 = dropout(%3) 16, rate 0.25, unit 1  # second\n"
      "%5 = dense(%4; out/kernel out/bias) 1 x 16 -> 4  # out\n"
      "%6 = softmax(%5) 4  # out\n"
      "logits %6\n";
  for (const bool training : {false, true}) {
    const Program program = lower(model, training, 0.25F);
    EXPECT_EQ(to_text(program), text);
    EXPECT_EQ(program.training, training);
    EXPECT_EQ(program.first_training_layer, 1U);
    EXPECT_EQ(faults(program), std::vector<std::string>{});
  }
}

/// The pictures, a layer, and the sum of both.
Program residual() {
  test::HandMade made;
  const auto pictures = made.input(4);
  made.add(kernels::AddOp{4}, {pictures, made.add(DenseOp{1, 4, 4}, {pictures})});
  return made.program();
}

TEST(Program, KnowsWhoReadsAndGivesAValue) {
  Program program = residual();
  EXPECT_EQ(program.readers(0), 2U);
  EXPECT_EQ(program.readers(1), 1U);
  EXPECT_EQ(program.readers(2), 1U) << "the loss";
  EXPECT_EQ(program.writer(1), 1U);
  EXPECT_EQ(program.writer(7), kNone);
  EXPECT_EQ(program.sole_producer(program.instructions[0]), nullptr);
  EXPECT_EQ(program.sole_producer(program.instructions[1]), nullptr) << "the sum reads the pictures, too";
  EXPECT_FALSE(program.depends_on_weights(0));
  EXPECT_TRUE(program.depends_on_weights(1));
  EXPECT_TRUE(program.depends_on_weights(2));
}

}  // namespace
}  // namespace lapel::plan
