#include "plan/lowering.h"

#include <gtest/gtest.h>

#include "support/tiny.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using test::layer;

std::vector<std::string> names(const Lowered& lowered) {
  std::vector<std::string> result;
  for (const auto& step : lowered.steps) {
    result.emplace_back(kernels::op_name(step.op));
  }
  return result;
}

const OptionValues kTen = {{"units", std::int64_t{10}}};

TEST(Lowering, ReshapesAndTheLastSoftmaxAreGone) {
  const model::Model model(
      "m", {layer("Flatten"), layer("Dense", kTen), layer("Activation", {{"activation", std::string("softmax")}})},
      Shape::image(1, 4, 4));
  const auto lowered = lower(model, true, 1.0F);
  EXPECT_EQ(names(lowered), (std::vector<std::string>{"input", "dense"}));
  EXPECT_EQ(lowered.logits, lowered.steps.back().output);
}

TEST(Lowering, ReluAfterALinearProductIsPartOfIt) {
  const model::Model model("m",
                           {layer("Flatten"), layer("Dense", kTen),
                            layer("Activation", {{"activation", std::string("relu")}}), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const auto lowered = lower(model, true, 1.0F);
  ASSERT_EQ(names(lowered), (std::vector<std::string>{"input", "dense", "dense"}));
  EXPECT_EQ(std::get<kernels::DenseOp>(lowered.steps[1].op).activation, ActivationKind::kRelu);
  EXPECT_EQ(lowered.steps[2].inputs.front(), lowered.steps[1].output);
  EXPECT_EQ(lowered.steps[2].first_parameter, 2U);
}

TEST(Lowering, ReluStaysApartWhereTheProductIsReadTwice) {
  const model::Model model(
      "m",
      {layer("Flatten"), layer("Dense", kTen, "a"), layer("Activation", {{"activation", std::string("relu")}}, "relu"),
       layer("Add", {}, "sum", {"a", "relu"})},
      Shape::image(1, 4, 4));
  EXPECT_EQ(names(lower(model, true, 1.0F)), (std::vector<std::string>{"input", "dense", "relu", "add"}));
}

TEST(Lowering, DropoutIsThereInTrainingOnlyAndIsNumbered) {
  const OptionValues half = {{"rate", 0.5}};
  const model::Model model("m",
                           {layer("Flatten"), layer("Dropout", half), layer("Dropout", {{"rate", 0.0}}),
                            layer("Dropout", half), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const auto training = lower(model, true, 1.0F);
  ASSERT_EQ(names(training), (std::vector<std::string>{"input", "dropout", "dropout", "dense"}));
  EXPECT_EQ(std::get<kernels::DropoutOp>(training.steps[1].op).unit, 0U);
  EXPECT_EQ(std::get<kernels::DropoutOp>(training.steps[2].op).unit, 2U);
  EXPECT_EQ(names(lower(model, false, 1.0F)), (std::vector<std::string>{"input", "dense"}));
}

TEST(Lowering, ReluAfterBatchNormalizationIsPartOfIt) {
  const model::Model model("m",
                           {layer("Flatten"), layer("Dense", kTen), layer("BatchNormalization"),
                            layer("Activation", {{"activation", std::string("relu")}}), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const auto lowered = lower(model, true, 1.0F);
  ASSERT_EQ(names(lowered), (std::vector<std::string>{"input", "dense", "batch_norm", "dense"}));
  EXPECT_EQ(std::get<kernels::BatchNormOp>(lowered.steps[2].op).activation, ActivationKind::kRelu);
  EXPECT_EQ(lowered.steps[2].parameters, 4U);
  EXPECT_EQ(lowered.steps[3].first_parameter, 6U);
}

TEST(Lowering, ChangesOfPicturesAreThereInTrainingOnlyAndAreNumbered) {
  const OptionValues tenth = {{"height_factor", 0.1}, {"width_factor", 0.1}};
  const model::Model model("m",
                           {layer("RandomTranslation", tenth), layer("RandomFlip"), layer("RandomTranslation", tenth),
                            layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const auto training = lower(model, true, 1.0F);
  ASSERT_EQ(names(training),
            (std::vector<std::string>{"input", "random_translation", "random_flip", "random_translation", "dense"}));
  EXPECT_EQ(std::get<kernels::RandomFlipOp>(training.steps[2].op).unit, 1U);
  EXPECT_EQ(std::get<kernels::RandomTranslationOp>(training.steps[3].op).unit, 2U);
  EXPECT_EQ(names(lower(model, false, 1.0F)), (std::vector<std::string>{"input", "dense"}));
}

TEST(Lowering, ScaleReachesTheInput) {
  const model::Model model("m", {layer("Flatten"), layer("Dense", kTen)}, Shape::image(1, 4, 4));
  EXPECT_EQ(std::get<kernels::InputOp>(lower(model, false, 0.25F).steps.front().op).scale, 0.25F);
}

}  // namespace
}  // namespace lapel::plan
