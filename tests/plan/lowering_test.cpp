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

using Integer = std::int64_t;

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

const OptionValues kReluConv = {
    {"filters", Integer{2}}, {"kernel_size", Integer{3}}, {"activation", std::string("relu")}};

TEST(Lowering, ReluBeforeAMaximumMovesBehindIt) {
  const auto kinds = [](const std::string& pooling, const OptionValues& options) {
    const model::Model model(
        "m", {layer("Conv2D", kReluConv), layer(pooling, options), layer("Flatten"), layer("Dense", kTen)},
        Shape::image(5, 20, 20));
    const auto lowered = lower(model, true, 1.0F);
    EXPECT_EQ(lowered.steps.size(), 4U);
    return std::pair(std::get<kernels::Conv2DOp>(lowered.steps[1].op).activation,
                     std::get<kernels::Pool2DOp>(lowered.steps[2].op).activation);
  };
  EXPECT_EQ(kinds("MaxPooling2D", {}), std::pair(ActivationKind::kLinear, ActivationKind::kRelu));
  EXPECT_EQ(kinds("MaxPooling2D", {{"pool_size", Integer{16}}}),
            std::pair(ActivationKind::kRelu, ActivationKind::kLinear));
  EXPECT_EQ(kinds("AveragePooling2D", {}), std::pair(ActivationKind::kRelu, ActivationKind::kLinear));
}

TEST(Lowering, ReluStaysWhereItsResultIsReadTwice) {
  const model::Model model(
      "m",
      {layer("Conv2D", kReluConv, "a"),
       layer("MaxPooling2D", {{"pool_size", Integer{3}}, {"strides", Integer{1}}, {"padding", std::string("same")}},
             "b"),
       layer("Add", {}, "sum", {"a", "b"}), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 8, 8));
  EXPECT_EQ(std::get<kernels::Conv2DOp>(lower(model, true, 1.0F).steps[1].op).activation, ActivationKind::kRelu);
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

TEST(Lowering, OfOtherActivationsOnlyGeluIsPartOfABatchNormalization) {
  const auto steps = [](const std::string& before, const std::string& activation) {
    const model::Model model("m",
                             {layer("Flatten"), layer("Dense", kTen), layer(before),
                              layer("Activation", {{"activation", activation}}), layer("Dense", kTen)},
                             Shape::image(1, 4, 4));
    return names(lower(model, true, 1.0F));
  };
  EXPECT_EQ(steps("BatchNormalization", "gelu"), (std::vector<std::string>{"input", "dense", "batch_norm", "dense"}));
  EXPECT_EQ(steps("BatchNormalization", "tanh"),
            (std::vector<std::string>{"input", "dense", "batch_norm", "tanh", "dense"}));
  EXPECT_EQ(steps("Flatten", "gelu"), (std::vector<std::string>{"input", "dense", "gelu", "dense"}));
}

TEST(Lowering, AConvolutionOnThePicturesAndTheMaximumAfterItAreOneStep) {
  const OptionValues eight = {
      {"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}, {"activation", std::string("relu")}};
  const model::Model model("m",
                           {layer("RandomFlip"), layer("Conv2D", eight), layer("MaxPooling2D"), layer("Conv2D", eight),
                            layer("MaxPooling2D"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 12, 12));
  const auto training = lower(model, true, 1.0F);
  ASSERT_EQ(names(training),
            (std::vector<std::string>{"input", "random_flip", "conv2d_max_pool2d", "conv2d", "max_pool2d", "dense"}));
  const auto& op = std::get<kernels::ConvPoolOp>(training.steps[2].op);
  EXPECT_EQ(op.conv.activation, ActivationKind::kLinear);
  EXPECT_EQ(op.pool.activation, ActivationKind::kRelu);
  EXPECT_EQ(training.steps[2].parameters, 2U);
  EXPECT_EQ(training.steps[3].inputs.front(), training.steps[2].output);
  EXPECT_EQ(model.nodes()[training.steps[2].node].name, "conv2d");
  EXPECT_EQ(names(lower(model, false, 1.0F)),
            (std::vector<std::string>{"input", "conv2d_max_pool2d", "conv2d", "max_pool2d", "dense"}));
}

TEST(Lowering, AConvolutionThatIsReadTwiceOrHasOtherWindowsStaysByItself) {
  const OptionValues eight = {
      {"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}, {"padding", std::string("same")}};
  const model::Model twice(
      "m",
      {layer("Conv2D", eight, "a"), layer("MaxPooling2D", {}, "b"), layer("Conv2D", eight, "c", {"a"}),
       layer("MaxPooling2D", {}, "d"), layer("Add", {}, "sum", {"b", "d"}), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 12, 12));
  EXPECT_EQ(names(lower(twice, true, 1.0F)),
            (std::vector<std::string>{"input", "conv2d", "max_pool2d", "conv2d", "max_pool2d", "add", "dense"}));
  const OptionValues strided = {
      {"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}, {"strides", std::int64_t{2}}};
  const model::Model other("m",
                           {layer("Conv2D", strided), layer("MaxPooling2D"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 12, 12));
  EXPECT_EQ(names(lower(other, true, 1.0F)), (std::vector<std::string>{"input", "conv2d", "max_pool2d", "dense"}));
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

LayerSpec small(const std::string& activation, const std::string& name = {},
                const std::vector<std::string>& inputs = {}, std::int64_t units = 8) {
  return layer("Dense", {{"units", units}, {"activation", activation}}, name, inputs);
}

const kernels::DenseChainOp& chain_of(const LoweredStep& step) { return std::get<kernels::DenseChainOp>(step.op); }

TEST(Lowering, SmallDenseLayersOnPixelsAreOneChain) {
  const model::Model model("m", {small("relu"), small("linear"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  for (const bool training : {true, false}) {
    const auto lowered = lower(model, training, 0.5F);
    ASSERT_EQ(names(lowered), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
    const auto& step = lowered.steps[0];
    EXPECT_EQ(chain_of(step), (kernels::DenseChainOp{{kernels::DenseOp{16, 1, 8, true, ActivationKind::kRelu},
                                                      kernels::DenseOp{16, 8, 8, true, ActivationKind::kLinear}},
                                                     0.5F}));
    EXPECT_TRUE(step.inputs.empty());
    EXPECT_EQ(step.first_parameter, 0U);
    EXPECT_EQ(step.parameters, 4U);
    EXPECT_EQ(model.nodes()[step.node].name, "dense_1");
    EXPECT_EQ(lowered.steps[1].inputs.front(), step.output);
    EXPECT_EQ(lowered.steps[1].first_parameter, 4U);
    EXPECT_EQ(lowered.value_sizes[step.output], 16 * 8);
  }
}

TEST(Lowering, ALayerOnAllThatAChainOnPixelsGivesIsOneStepWithIt) {
  const model::Model model("m", {small("relu", {}, {}, 16), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  for (const bool training : {true, false}) {
    const auto lowered = lower(model, training, 0.5F);
    ASSERT_EQ(names(lowered), std::vector<std::string>{"dense_on_pixels"});
    const auto& step = lowered.steps[0];
    EXPECT_EQ(std::get<kernels::DenseOnPixelsOp>(step.op),
              (kernels::DenseOnPixelsOp{{{kernels::DenseOp{16, 1, 16, true, ActivationKind::kRelu}}, 0.5F},
                                        {1, 16 * 16, 10, true, ActivationKind::kLinear}}));
    EXPECT_TRUE(step.inputs.empty());
    EXPECT_EQ(step.output, lowered.logits);
    EXPECT_EQ(step.first_parameter, 0U);
    EXPECT_EQ(step.parameters, 4U);
    EXPECT_EQ(model.nodes()[step.node].name, "dense_1");
  }
}

TEST(Lowering, WhatIsThereInTrainingOnlyKeepsALayerApartFromItsChainInEvaluationToo) {
  for (const auto& before : {layer("RandomFlip"), layer("Dropout", {{"rate", 0.5}})}) {
    const model::Model first("m", {before, small("relu", {}, {}, 16), layer("Flatten"), layer("Dense", kTen)},
                             Shape::image(1, 4, 4));
    EXPECT_EQ(names(lower(first, false, 1.0F)), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
    const model::Model between(
        "m", {small("relu", {}, {}, 16), layer("Dropout", {{"rate", 0.5}}), layer("Flatten"), layer("Dense", kTen)},
        Shape::image(1, 4, 4));
    EXPECT_EQ(names(lower(between, false, 1.0F)), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
  }
  const model::Model behind(
      "m", {small("relu", {}, {}, 16), layer("Flatten"), layer("Dense", kTen), layer("Dropout", {{"rate", 0.5}})},
      Shape::image(1, 4, 4));
  EXPECT_EQ(names(lower(behind, true, 1.0F)), (std::vector<std::string>{"dense_on_pixels", "dropout"}));
  EXPECT_EQ(names(lower(behind, false, 1.0F)), std::vector<std::string>{"dense_on_pixels"});
}

TEST(Lowering, AChainOfColoursReadsTheInput) {
  const model::Model model("m", {small("relu"), small("relu"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(3, 4, 4));
  const auto lowered = lower(model, true, 1.0F);
  ASSERT_EQ(names(lowered), (std::vector<std::string>{"input", "dense_chain", "dense"}));
  EXPECT_EQ(lowered.steps[1].inputs.front(), lowered.steps[0].output);
}

TEST(Lowering, OtherActivationsDivideAChain) {
  const model::Model model(
      "m", {small("relu"), small("tanh"), small("relu"), small("relu"), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 4, 4));
  const auto lowered = lower(model, true, 1.0F);
  ASSERT_EQ(names(lowered), (std::vector<std::string>{"dense_chain_on_pixels", "tanh", "dense_chain", "dense"}));
  EXPECT_EQ(chain_of(lowered.steps[2]).layers.size(), 2U);
  EXPECT_EQ(lowered.steps[2].first_parameter, 4U);
  EXPECT_EQ(lowered.steps[2].parameters, 4U);
}

TEST(Lowering, DropoutDividesAChainInTrainingOnlyAndTheWeightsLieAlike) {
  const model::Model model(
      "m", {small("relu"), layer("Dropout", {{"rate", 0.5}}), small("relu"), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 4, 4));
  EXPECT_EQ(names(lower(model, true, 1.0F)),
            (std::vector<std::string>{"dense_chain_on_pixels", "dropout", "dense_chain", "dense"}));
  EXPECT_EQ(names(lower(model, false, 1.0F)), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
}

TEST(Lowering, WhatIsReadTwiceEndsAChain) {
  const model::Model model("m",
                           {small("relu", "a"), small("relu", "b"), small("relu", "c"),
                            layer("Add", {}, "sum", {"b", "c"}), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  EXPECT_EQ(names(lower(model, true, 1.0F)),
            (std::vector<std::string>{"dense_chain_on_pixels", "dense_chain", "add", "dense"}));
}

TEST(Lowering, PicturesThatAreReadTwiceStayAStep) {
  const model::Model model("m",
                           {{"Input", "pixels", {}, {{"shape", std::vector<std::int64_t>{4, 4, 1}}}, {}},
                            small("relu", "a", {}, 1),
                            layer("Add", {}, "sum", {"pixels", "a"}),
                            layer("Flatten"),
                            layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  EXPECT_EQ(names(lower(model, true, 1.0F)), (std::vector<std::string>{"input", "dense_chain", "add", "dense"}));
}

TEST(Lowering, FewRowsOrManyNumbersAreNoChain) {
  const model::Model few("m", {small("relu"), layer("Flatten"), layer("Dense", kTen)}, Shape::image(1, 3, 5));
  EXPECT_EQ(names(lower(few, true, 1.0F)), (std::vector<std::string>{"input", "dense", "dense"}));
  const model::Model wide("m", {small("relu", {}, {}, 65), small("relu"), layer("Flatten"), layer("Dense", kTen)},
                          Shape::image(1, 4, 4));
  EXPECT_EQ(names(lower(wide, true, 1.0F)), (std::vector<std::string>{"input", "dense", "dense", "dense"}));
}

TEST(Lowering, MixturesAreThereInTrainingOnlyAndAreNumberedWithTheOthers) {
  const model::Model model(
      "m", {layer("RandomFlip"), layer("MixUp"), layer("CutMix"), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 4, 4));
  const auto training = lower(model, true, 1.0F);
  ASSERT_EQ(names(training), (std::vector<std::string>{"input", "random_flip", "mix_up", "cut_mix", "dense"}));
  EXPECT_EQ(std::get<kernels::MixUpOp>(training.steps[2].op).unit, 1U);
  EXPECT_EQ(std::get<kernels::CutMixOp>(training.steps[3].op).unit, 2U);
  EXPECT_EQ(names(lower(model, false, 1.0F)), (std::vector<std::string>{"input", "dense"}));
}

TEST(Lowering, ScaleReachesTheInput) {
  const model::Model model("m", {layer("Flatten"), layer("Dense", kTen)}, Shape::image(1, 4, 4));
  EXPECT_EQ(std::get<kernels::InputOp>(lower(model, false, 0.25F).steps.front().op).scale, 0.25F);
}

}  // namespace
}  // namespace lapel::plan
