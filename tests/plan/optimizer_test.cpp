// What models become: lowered, then through every pass.

#include "plan/optimizer.h"

#include <gtest/gtest.h>

#include "plan/lowering.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

using kernels::ActivationKind;
using test::layer;

Program optimized(const model::Model& model, bool training, float scale) {
  Program program = lower(model, training, scale);
  optimize(program);
  return program;
}

std::vector<std::string> names(const Program& program) {
  std::vector<std::string> result;
  for (const Instruction& instruction : program.instructions) {
    result.emplace_back(kernels::describe(instruction.op).name);
  }
  return result;
}

using Integer = std::int64_t;

const OptionValues kTen = {{"units", std::int64_t{10}}};

TEST(Optimizer, ReshapesAndTheLastSoftmaxAreGone) {
  const model::Model model(
      "m", {layer("Flatten"), layer("Dense", kTen), layer("Activation", {{"activation", std::string("softmax")}})},
      Shape::image(1, 4, 4));
  const Program program = optimized(model, true, 1.0F);
  EXPECT_EQ(names(program), (std::vector<std::string>{"input", "dense"}));
  EXPECT_EQ(program.logits, program.instructions.back().output);
}

TEST(Optimizer, ReluAfterALinearProductIsPartOfIt) {
  const model::Model model("m",
                           {layer("Flatten"), layer("Dense", kTen),
                            layer("Activation", {{"activation", std::string("relu")}}), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const Program program = optimized(model, true, 1.0F);
  ASSERT_EQ(names(program), (std::vector<std::string>{"input", "dense", "dense"}));
  EXPECT_EQ(std::get<kernels::DenseOp>(program.instructions[1].op).activation, ActivationKind::kRelu);
  EXPECT_EQ(program.instructions[2].inputs.front(), program.instructions[1].output);
  EXPECT_EQ(program.instructions[2].first_parameter, 2U);
}

TEST(Optimizer, ReluStaysApartWhereTheProductIsReadTwice) {
  const model::Model model(
      "m",
      {layer("Flatten"), layer("Dense", kTen, "a"), layer("Activation", {{"activation", std::string("relu")}}, "relu"),
       layer("Add", {}, "sum", {"a", "relu"})},
      Shape::image(1, 4, 4));
  EXPECT_EQ(names(optimized(model, true, 1.0F)), (std::vector<std::string>{"input", "dense", "relu", "add"}));
}

const OptionValues kReluConv = {
    {"filters", Integer{2}}, {"kernel_size", Integer{3}}, {"activation", std::string("relu")}};

TEST(Optimizer, ReluBeforeAMaximumMovesBehindIt) {
  const auto kinds = [](const std::string& pooling, const OptionValues& options) {
    const model::Model model(
        "m", {layer("Conv2D", kReluConv), layer(pooling, options), layer("Flatten"), layer("Dense", kTen)},
        Shape::image(5, 20, 20));
    const Program program = optimized(model, true, 1.0F);
    EXPECT_EQ(program.instructions.size(), 4U);
    return std::pair(std::get<kernels::Conv2DOp>(program.instructions[1].op).activation,
                     std::get<kernels::Pool2DOp>(program.instructions[2].op).activation);
  };
  EXPECT_EQ(kinds("MaxPooling2D", {}), std::pair(ActivationKind::kLinear, ActivationKind::kRelu));
  EXPECT_EQ(kinds("MaxPooling2D", {{"pool_size", Integer{16}}}),
            std::pair(ActivationKind::kRelu, ActivationKind::kLinear));
  EXPECT_EQ(kinds("AveragePooling2D", {}), std::pair(ActivationKind::kRelu, ActivationKind::kLinear));
}

TEST(Optimizer, ReluStaysWhereItsResultIsReadTwice) {
  const model::Model model(
      "m",
      {layer("Conv2D", kReluConv, "a"),
       layer("MaxPooling2D", {{"pool_size", Integer{3}}, {"strides", Integer{1}}, {"padding", std::string("same")}},
             "b"),
       layer("Add", {}, "sum", {"a", "b"}), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 8, 8));
  EXPECT_EQ(std::get<kernels::Conv2DOp>(optimized(model, true, 1.0F).instructions[1].op).activation,
            ActivationKind::kRelu);
}

TEST(Optimizer, DropoutIsThereInTrainingOnlyAndIsNumbered) {
  const OptionValues half = {{"rate", 0.5}};
  const model::Model model("m",
                           {layer("Flatten"), layer("Dropout", half), layer("Dropout", {{"rate", 0.0}}),
                            layer("Dropout", half), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const Program training = optimized(model, true, 1.0F);
  ASSERT_EQ(names(training), (std::vector<std::string>{"input", "dropout", "dropout", "dense"}));
  EXPECT_EQ(std::get<kernels::DropoutOp>(training.instructions[1].op).unit, 0U);
  EXPECT_EQ(std::get<kernels::DropoutOp>(training.instructions[2].op).unit, 2U);
  EXPECT_EQ(names(optimized(model, false, 1.0F)), (std::vector<std::string>{"input", "dense"}));
}

TEST(Optimizer, ReluAfterBatchNormalizationIsPartOfIt) {
  const model::Model model("m",
                           {layer("Flatten"), layer("Dense", kTen), layer("BatchNormalization"),
                            layer("Activation", {{"activation", std::string("relu")}}), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const Program program = optimized(model, true, 1.0F);
  ASSERT_EQ(names(program), (std::vector<std::string>{"input", "dense", "batch_norm", "dense"}));
  EXPECT_EQ(std::get<kernels::BatchNormOp>(program.instructions[2].op).activation, ActivationKind::kRelu);
  EXPECT_EQ(program.instructions[2].parameters, 4U);
  EXPECT_EQ(program.instructions[3].first_parameter, 6U);
}

TEST(Optimizer, OfOtherActivationsOnlyGeluIsPartOfABatchNormalization) {
  const auto names_with = [](const std::string& before, const std::string& activation) {
    const model::Model model("m",
                             {layer("Flatten"), layer("Dense", kTen), layer(before),
                              layer("Activation", {{"activation", activation}}), layer("Dense", kTen)},
                             Shape::image(1, 4, 4));
    return names(optimized(model, true, 1.0F));
  };
  EXPECT_EQ(names_with("BatchNormalization", "gelu"),
            (std::vector<std::string>{"input", "dense", "batch_norm", "dense"}));
  EXPECT_EQ(names_with("BatchNormalization", "tanh"),
            (std::vector<std::string>{"input", "dense", "batch_norm", "tanh", "dense"}));
  EXPECT_EQ(names_with("Flatten", "gelu"), (std::vector<std::string>{"input", "dense", "gelu", "dense"}));
}

TEST(Optimizer, AConvolutionOnThePicturesAndTheMaximumAfterItAreOneStep) {
  const OptionValues eight = {
      {"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}, {"activation", std::string("relu")}};
  const model::Model model("m",
                           {layer("RandomFlip"), layer("Conv2D", eight), layer("MaxPooling2D"), layer("Conv2D", eight),
                            layer("MaxPooling2D"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 12, 12));
  const Program training = optimized(model, true, 1.0F);
  ASSERT_EQ(names(training),
            (std::vector<std::string>{"input", "random_flip", "conv2d_max_pool2d", "conv2d", "max_pool2d", "dense"}));
  const auto& op = std::get<kernels::ConvPoolOp>(training.instructions[2].op);
  EXPECT_EQ(op.conv.activation, ActivationKind::kLinear);
  EXPECT_EQ(op.pool.activation, ActivationKind::kRelu);
  EXPECT_EQ(training.instructions[2].parameters, 2U);
  EXPECT_EQ(training.instructions[3].inputs.front(), training.instructions[2].output);
  EXPECT_EQ(model.nodes()[training.instructions[2].layer].name, "conv2d");
  EXPECT_EQ(names(optimized(model, false, 1.0F)),
            (std::vector<std::string>{"input", "conv2d_max_pool2d", "conv2d", "max_pool2d", "dense"}));
}

TEST(Optimizer, AConvolutionThatIsReadTwiceOrHasOtherWindowsStaysByItself) {
  const OptionValues eight = {
      {"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}, {"padding", std::string("same")}};
  const model::Model twice(
      "m",
      {layer("Conv2D", eight, "a"), layer("MaxPooling2D", {}, "b"), layer("Conv2D", eight, "c", {"a"}),
       layer("MaxPooling2D", {}, "d"), layer("Add", {}, "sum", {"b", "d"}), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 12, 12));
  EXPECT_EQ(names(optimized(twice, true, 1.0F)),
            (std::vector<std::string>{"input", "conv2d", "max_pool2d", "conv2d", "max_pool2d", "add", "dense"}));
  const OptionValues strided = {
      {"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}, {"strides", std::int64_t{2}}};
  const model::Model other("m",
                           {layer("Conv2D", strided), layer("MaxPooling2D"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 12, 12));
  EXPECT_EQ(names(optimized(other, true, 1.0F)), (std::vector<std::string>{"input", "conv2d", "max_pool2d", "dense"}));
}

TEST(Optimizer, ChangesOfPicturesAreThereInTrainingOnlyAndAreNumbered) {
  const OptionValues tenth = {{"height_factor", 0.1}, {"width_factor", 0.1}};
  const model::Model model("m",
                           {layer("RandomTranslation", tenth), layer("RandomFlip"), layer("RandomTranslation", tenth),
                            layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  const Program training = optimized(model, true, 1.0F);
  ASSERT_EQ(names(training),
            (std::vector<std::string>{"input", "random_translation", "random_flip", "random_translation", "dense"}));
  EXPECT_EQ(std::get<kernels::RandomFlipOp>(training.instructions[2].op).unit, 1U);
  EXPECT_EQ(std::get<kernels::RandomTranslationOp>(training.instructions[3].op).unit, 2U);
  EXPECT_EQ(names(optimized(model, false, 1.0F)), (std::vector<std::string>{"input", "dense"}));
}

LayerSpec small(const std::string& activation, const std::string& name = {},
                const std::vector<std::string>& inputs = {}, std::int64_t units = 8) {
  return layer("Dense", {{"units", units}, {"activation", activation}}, name, inputs);
}

const kernels::DenseChainOp& chain_of(const Instruction& instruction) {
  return std::get<kernels::DenseChainOp>(instruction.op);
}

TEST(Optimizer, SmallDenseLayersOnPixelsAreOneChain) {
  const model::Model model("m", {small("relu"), small("linear"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  for (const bool training : {true, false}) {
    const Program program = optimized(model, training, 0.5F);
    ASSERT_EQ(names(program), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
    const Instruction& instruction = program.instructions[0];
    EXPECT_EQ(chain_of(instruction), (kernels::DenseChainOp{{kernels::DenseOp{16, 1, 8, true, ActivationKind::kRelu},
                                                             kernels::DenseOp{16, 8, 8, true, ActivationKind::kLinear}},
                                                            0.5F}));
    EXPECT_TRUE(instruction.inputs.empty());
    EXPECT_EQ(instruction.first_parameter, 0U);
    EXPECT_EQ(instruction.parameters, 4U);
    EXPECT_EQ(model.nodes()[instruction.layer].name, "dense_1");
    EXPECT_EQ(program.instructions[1].inputs.front(), instruction.output);
    EXPECT_EQ(program.instructions[1].first_parameter, 4U);
    EXPECT_EQ(program.value_sizes[instruction.output], 16 * 8);
  }
}

TEST(Optimizer, ALayerOnAllThatAChainOnPixelsGivesIsOneStepWithIt) {
  const model::Model model("m", {small("relu", {}, {}, 16), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  for (const bool training : {true, false}) {
    const Program program = optimized(model, training, 0.5F);
    ASSERT_EQ(names(program), std::vector<std::string>{"dense_on_pixels"});
    const Instruction& instruction = program.instructions[0];
    EXPECT_EQ(std::get<kernels::DenseOnPixelsOp>(instruction.op),
              (kernels::DenseOnPixelsOp{{{kernels::DenseOp{16, 1, 16, true, ActivationKind::kRelu}}, 0.5F},
                                        {1, 16 * 16, 10, true, ActivationKind::kLinear}}));
    EXPECT_TRUE(instruction.inputs.empty());
    EXPECT_EQ(instruction.output, program.logits);
    EXPECT_EQ(instruction.first_parameter, 0U);
    EXPECT_EQ(instruction.parameters, 4U);
    EXPECT_EQ(model.nodes()[instruction.layer].name, "dense_1");
  }
}

TEST(Optimizer, WhatIsThereInTrainingOnlyKeepsALayerApartFromItsChainInEvaluationToo) {
  for (const auto& before : {layer("RandomFlip"), layer("Dropout", {{"rate", 0.5}})}) {
    const model::Model first("m", {before, small("relu", {}, {}, 16), layer("Flatten"), layer("Dense", kTen)},
                             Shape::image(1, 4, 4));
    EXPECT_EQ(names(optimized(first, false, 1.0F)), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
    const model::Model between(
        "m", {small("relu", {}, {}, 16), layer("Dropout", {{"rate", 0.5}}), layer("Flatten"), layer("Dense", kTen)},
        Shape::image(1, 4, 4));
    EXPECT_EQ(names(optimized(between, false, 1.0F)), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
  }
  const model::Model behind(
      "m", {small("relu", {}, {}, 16), layer("Flatten"), layer("Dense", kTen), layer("Dropout", {{"rate", 0.5}})},
      Shape::image(1, 4, 4));
  EXPECT_EQ(names(optimized(behind, true, 1.0F)), (std::vector<std::string>{"dense_on_pixels", "dropout"}));
  EXPECT_EQ(names(optimized(behind, false, 1.0F)), std::vector<std::string>{"dense_on_pixels"});
}

TEST(Optimizer, AChainOfColoursReadsTheInput) {
  const model::Model model("m", {small("relu"), small("relu"), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(3, 4, 4));
  const Program program = optimized(model, true, 1.0F);
  ASSERT_EQ(names(program), (std::vector<std::string>{"input", "dense_chain", "dense"}));
  EXPECT_EQ(program.instructions[1].inputs.front(), program.instructions[0].output);
}

TEST(Optimizer, OtherActivationsDivideAChain) {
  const model::Model model(
      "m", {small("relu"), small("tanh"), small("relu"), small("relu"), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 4, 4));
  const Program program = optimized(model, true, 1.0F);
  ASSERT_EQ(names(program), (std::vector<std::string>{"dense_chain_on_pixels", "tanh", "dense_chain", "dense"}));
  EXPECT_EQ(chain_of(program.instructions[2]).layers.size(), 2U);
  EXPECT_EQ(program.instructions[2].first_parameter, 4U);
  EXPECT_EQ(program.instructions[2].parameters, 4U);
}

TEST(Optimizer, DropoutDividesAChainInTrainingOnlyAndTheWeightsLieAlike) {
  const model::Model model(
      "m", {small("relu"), layer("Dropout", {{"rate", 0.5}}), small("relu"), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 4, 4));
  EXPECT_EQ(names(optimized(model, true, 1.0F)),
            (std::vector<std::string>{"dense_chain_on_pixels", "dropout", "dense_chain", "dense"}));
  EXPECT_EQ(names(optimized(model, false, 1.0F)), (std::vector<std::string>{"dense_chain_on_pixels", "dense"}));
}

TEST(Optimizer, WhatIsReadTwiceEndsAChain) {
  const model::Model model("m",
                           {small("relu", "a"), small("relu", "b"), small("relu", "c"),
                            layer("Add", {}, "sum", {"b", "c"}), layer("Flatten"), layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  EXPECT_EQ(names(optimized(model, true, 1.0F)),
            (std::vector<std::string>{"dense_chain_on_pixels", "dense_chain", "add", "dense"}));
}

TEST(Optimizer, PicturesThatAreReadTwiceStayAStep) {
  const model::Model model("m",
                           {{"Input", "pixels", {}, {{"shape", std::vector<std::int64_t>{4, 4, 1}}}, {}},
                            small("relu", "a", {}, 1),
                            layer("Add", {}, "sum", {"pixels", "a"}),
                            layer("Flatten"),
                            layer("Dense", kTen)},
                           Shape::image(1, 4, 4));
  EXPECT_EQ(names(optimized(model, true, 1.0F)), (std::vector<std::string>{"input", "dense_chain", "add", "dense"}));
}

TEST(Optimizer, FewRowsOrManyNumbersAreNoChain) {
  const model::Model few("m", {small("relu"), layer("Flatten"), layer("Dense", kTen)}, Shape::image(1, 3, 5));
  EXPECT_EQ(names(optimized(few, true, 1.0F)), (std::vector<std::string>{"input", "dense", "dense"}));
  const model::Model wide("m", {small("relu", {}, {}, 65), small("relu"), layer("Flatten"), layer("Dense", kTen)},
                          Shape::image(1, 4, 4));
  EXPECT_EQ(names(optimized(wide, true, 1.0F)), (std::vector<std::string>{"input", "dense", "dense", "dense"}));
}

TEST(Optimizer, MixturesAreThereInTrainingOnlyAndAreNumberedWithTheOthers) {
  const model::Model model(
      "m", {layer("RandomFlip"), layer("MixUp"), layer("CutMix"), layer("Flatten"), layer("Dense", kTen)},
      Shape::image(1, 4, 4));
  const Program training = optimized(model, true, 1.0F);
  ASSERT_EQ(names(training), (std::vector<std::string>{"input", "random_flip", "mix_up", "cut_mix", "dense"}));
  EXPECT_EQ(std::get<kernels::MixUpOp>(training.instructions[2].op).unit, 1U);
  EXPECT_EQ(std::get<kernels::CutMixOp>(training.instructions[3].op).unit, 2U);
  EXPECT_EQ(names(optimized(model, false, 1.0F)), (std::vector<std::string>{"input", "dense"}));
}

TEST(Optimizer, ScaleReachesTheInput) {
  const model::Model model("m", {layer("Flatten"), layer("Dense", kTen)}, Shape::image(1, 4, 4));
  EXPECT_EQ(std::get<kernels::InputOp>(optimized(model, false, 0.25F).instructions.front().op).scale, 0.25F);
}

}  // namespace
}  // namespace lapel::plan
