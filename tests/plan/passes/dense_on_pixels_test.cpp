#include "plan/passes/dense_on_pixels.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using kernels::DenseChainOp;
using kernels::DenseOp;

DenseChainOp chain(std::int64_t out) { return {{DenseOp{16, 1, out, true, ActivationKind::kRelu}}, 0.5F}; }

Program chain_and_layer(std::int64_t out) {
  test::HandMade made;
  made.add(DenseOp{1, 16 * out, 10}, {made.add(chain(out))});
  return made.program();
}

TEST(DenseOnPixels, TheLayerOnAllOfAChainIsOneWithIt) {
  EXPECT_EQ(to_text(chain_and_layer(32)),
            "%0 = dense_chain_on_pixels(; a0 a1) 16 x 1 -> 32 relu, scale 0.5  # a\n"
            "%1 = dense(%0; b0 b1) 1 x 512 -> 10  # b\n"
            "logits %1\n");
  EXPECT_EQ(test::text_after(dense_on_pixels, chain_and_layer(32)),
            "%1 = dense_on_pixels(; a0 a1 b0 b1) 16 x 1 -> 32 relu, scale 0.5; 1 x 512 -> 10  # b\n"
            "logits %1\n");
}

TEST(DenseOnPixels, NotOfOtherWidths) { test::expect_unchanged(dense_on_pixels, chain_and_layer(8)); }

TEST(DenseOnPixels, NotBehindALayerThatIsThereInTrainingAlone) {
  Program program = chain_and_layer(32);
  program.first_training_layer = 0;
  test::expect_unchanged(dense_on_pixels, program);
  program.first_training_layer = 1;  // The layer itself: what comes behind it does not matter.
  EXPECT_NE(test::text_after(dense_on_pixels, program), to_text(program));
}

TEST(DenseOnPixels, NotWhereTheChainIsReadTwice) {
  test::HandMade made;
  const auto table = made.add(chain(32));
  const auto layer = made.add(DenseOp{1, 512, 10}, {table});
  made.add(kernels::AddOp{10}, {layer, made.add(DenseOp{1, 512, 10}, {table})});
  test::expect_unchanged(dense_on_pixels, made.program());
}

}  // namespace
}  // namespace lapel::plan
