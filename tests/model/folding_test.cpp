#include "model/folding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "lapel/error.h"
#include "support/tiny.h"

namespace lapel::model {
namespace {

using test::layer;

const OptionValues kSame = {
    {"filters", std::int64_t{5}}, {"kernel_size", std::int64_t{3}}, {"padding", std::string("same")}};

std::vector<std::string> names_of(const Model& model) {
  std::vector<std::string> names;
  for (const auto& node : model.nodes()) {
    names.push_back(node.name);
  }
  return names;
}

Model of(const std::vector<LayerSpec>& layers) { return {"m", layers, Shape::image(1, 8, 6)}; }

TEST(Folding, TakesOutNormalizationsAfterLinearProducts) {
  OptionValues without_bias = kSame;
  without_bias["use_bias"] = false;
  const FoldedModel folded(
      of({layer("Conv2D", without_bias, "conv"), layer("BatchNormalization", {}, "norm"),
          layer("Activation", {{"activation", std::string("relu")}}, "relu"), layer("Flatten", {}, "flat"),
          layer("Dense", {{"units", std::int64_t{4}}}, "dense"), layer("BatchNormalization", {}, "last")}));
  EXPECT_EQ(names_of(folded.model()), (std::vector<std::string>{"input_layer", "conv", "relu", "flat", "dense"}));
  EXPECT_EQ(folded.model().nodes()[1].parameters.size(), 2U);
  EXPECT_EQ(folded.model().nodes()[2].inputs, std::vector<std::size_t>{1});
  EXPECT_EQ(folded.model().non_trainable_parameters(), 0);
}

TEST(Folding, LeavesOtherNormalizations) {
  OptionValues with_relu = kSame;
  with_relu["activation"] = std::string("relu");
  const Model model = of({layer("BatchNormalization", {}, "of_pictures"), layer("Conv2D", with_relu, "a"),
                          layer("BatchNormalization", {}, "after_relu"), layer("Conv2D", kSame, "b"),
                          layer("BatchNormalization", {}, "one_of_two"), layer("Add", {}, "sum", {"b", "one_of_two"}),
                          layer("Flatten", {}, "flat"), layer("Dense", {{"units", std::int64_t{4}}}, "dense")});
  EXPECT_EQ(names_of(FoldedModel(model).model()), names_of(model));
}

TEST(Folding, ReadersOfANormalizationReadTheProduct) {
  const FoldedModel folded(
      of({layer("Conv2D", kSame, "a"), layer("Conv2D", kSame, "b"), layer("BatchNormalization", {}, "norm_a", {"a"}),
          layer("Add", {}, "sum", {"a", "norm_a"}), layer("BatchNormalization", {}, "norm_b", {"b"}),
          layer("Add", {}, "all", {"norm_b", "sum", "norm_b"}), layer("Flatten", {}, "flat"),
          layer("Dense", {{"units", std::int64_t{4}}}, "dense")}));
  EXPECT_EQ(names_of(folded.model()),
            (std::vector<std::string>{"input_layer", "a", "b", "norm_a", "sum", "all", "flat", "dense"}));
  EXPECT_EQ(folded.model().nodes()[5].inputs, (std::vector<std::size_t>{2, 4, 2}));
}

TEST(Folding, ComputesWeightsByHand) {
  // Factors: 2 / 0.5 and 4 / 1.5, then 1 and 1 / 3.
  const FoldedModel folded(of({layer("Flatten"), layer("Dense", {{"units", std::int64_t{2}}}),
                               layer("BatchNormalization", {{"epsilon", 0.25}}),
                               layer("Dense", {{"units", std::int64_t{2}}, {"use_bias", false}}),
                               layer("BatchNormalization", {{"scale", false}, {"center", false}, {"epsilon", 1.0}})}));
  const std::vector<float> kernel(96, 3);
  const std::vector<std::vector<float>> numbers = {kernel, {1, 2},       {2, 4},   {5, 6}, {7, 8},
                                                   {0, 2}, {1, 2, 3, 4}, {10, 20}, {0, 8}};
  const std::vector<std::span<const float>> trained(numbers.begin(), numbers.end());
  const auto weights = folded.weights(trained);
  ASSERT_EQ(weights.size(), 4U);
  EXPECT_EQ(weights[0][0], 12);
  EXPECT_FLOAT_EQ(weights[0][1], 8);
  EXPECT_FLOAT_EQ(weights[1][0], 5 + (1 - 7) * 4);
  EXPECT_FLOAT_EQ(weights[1][1], 6 + (2 - 8) * (4 / 1.5F));
  EXPECT_EQ(weights[2], (std::vector<float>{1, 2.0F / 3, 3, 4.0F / 3}));
  EXPECT_FLOAT_EQ(weights[3][0], -10);
  EXPECT_FLOAT_EQ(weights[3][1], -20.0F / 3);
}

TEST(Folding, RefusesWeightsOfAnotherModel) {
  const FoldedModel folded(of({layer("Flatten"), layer("Dense", {{"units", std::int64_t{2}}})}));
  const std::vector<float> kernel(96);
  const std::vector<float> bias(2);
  const std::vector<std::span<const float>> right = {kernel, bias};
  const std::vector<std::span<const float>> short_of_one = {kernel};
  const std::vector<std::span<const float>> one_too_many = {kernel, bias, bias};
  const std::vector<std::span<const float>> other_size = {kernel, kernel};
  EXPECT_EQ(folded.weights(right).size(), 2U);
  for (const auto& wrong : {short_of_one, one_too_many, other_size}) {
    EXPECT_THROW((void)folded.weights(wrong), Error);
  }
}

}  // namespace
}  // namespace lapel::model
