// Networks whose normalizations are in their weights: how these are computed, and that answers are those of the model
// as it was trained.

#include "plan/folded_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/rng.h"
#include "lapel/error.h"
#include "plan/network.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

using test::layer;

model::Model normalised(std::int64_t classes) {
  const OptionValues conv = {{"filters", std::int64_t{16}},
                             {"kernel_size", std::int64_t{3}},
                             {"padding", std::string("same")},
                             {"use_bias", false}};
  const OptionValues relu = {{"activation", std::string("relu")}};
  return {"m",
          {layer("Conv2D", conv, "stem"), layer("BatchNormalization"), layer("Activation", relu),
           layer("MaxPooling2D", {}, "pool"), layer("Conv2D", conv, "left"), layer("BatchNormalization", {}, "norm"),
           layer("Activation", relu, "left_relu"), layer("Add", {}, "sum", {"pool", "left_relu"}), layer("Flatten"),
           layer("Dense", {{"units", std::int64_t{12}}}), layer("BatchNormalization", {{"scale", false}}),
           layer("Activation", relu), layer("Dense", {{"units", classes}})},
          Shape::image(1, 8, 6)};
}

/// Weights as after a training: no mean is zero and no variance one.
void fill(Parameters& parameters) {
  parameters.initialize(5);
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const std::string& name = parameters.entries()[i].spec.name;
    if (name == "kernel" || name == "bias") {
      continue;
    }
    const RandomStream random{9, RandomPurpose::kTest, static_cast<std::uint32_t>(i), 0, 0};
    auto values = parameters.get(i);
    for (std::size_t c = 0; c < values.size(); ++c) {
      values[c] = (name == "moving_variance" ? 0.05F : -0.3F) + random.uniform(c);
    }
    parameters.set(i, values);
  }
}

std::vector<float> answers(Network& network, const LabeledPictures& data) {
  std::vector<float> probabilities(static_cast<std::size_t>(data.pictures.count * network.model().outputs()));
  network.predict(data.pictures.pixels.data(), 0, data.pictures.count, data.pictures.count, probabilities);
  return probabilities;
}

void compare(kernels::Dtype dtype, double most) {
  const auto data = test::tiny_pictures(40, 8, 6, 1, 4);
  NetworkOptions options{.dtype = dtype, .threads = 2, .main_batch = 40};
  const model::Model trained = normalised(4);
  Network network(trained, options);
  fill(network.parameters());
  network.parameters().refresh_low();

  std::vector<std::vector<float>> numbers;
  for (std::size_t i = 0; i < network.parameters().entries().size(); ++i) {
    numbers.push_back(network.parameters().get(i));
  }
  options.frozen = true;
  Network without(trained, options);
  without.set_weights(std::vector<std::span<const float>>(numbers.begin(), numbers.end()));
  // Three normalizations are gone, and the first convolution is one with its pooling.
  EXPECT_EQ(network.plan(40, false).program().instructions.size(), 10U);
  EXPECT_EQ(without.plan(40, false).program().instructions.size(), 6U);

  const auto expected = answers(network, data);
  const auto got = answers(without, data);
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(expected[i]) - static_cast<double>(got[i])));
  }
  EXPECT_LE(worst, most);
}

TEST(Folding, ChangesNoAnswerInFloat32) { compare(kernels::Dtype::kFloat32, 2e-6); }

TEST(Folding, ChangesAnswersInBfloat16ByItsRoundingAtMost) { compare(kernels::Dtype::kBfloat16, 0.05); }

using Numbers = std::vector<std::span<const float>>;

Network frozen(const std::vector<LayerSpec>& layers) {
  return {model::Model("m", layers, Shape::image(1, 8, 6)), {.frozen = true}};
}

LayerSpec dense(bool bias) { return layer("Dense", {{"units", std::int64_t{2}}, {"use_bias", bias}}); }

TEST(Folding, ComputesWeightsByHand) {
  // Factors: 2 / 0.5 and 4 / 1.5, then 1 and 1 / 3.
  Network network =
      frozen({layer("Flatten"), dense(true), layer("BatchNormalization", {{"epsilon", 0.25}}), dense(false),
              layer("BatchNormalization", {{"scale", false}, {"center", false}, {"epsilon", 1.0}})});
  const std::vector<float> kernel(96, 3);
  const std::vector<std::vector<float>> numbers = {kernel, {1, 2},       {2, 4},   {5, 6}, {7, 8},
                                                   {0, 2}, {1, 2, 3, 4}, {10, 20}, {0, 8}};
  network.set_weights(Numbers(numbers.begin(), numbers.end()));
  const Parameters& weights = network.parameters();
  ASSERT_EQ(weights.entries().size(), 4U);
  EXPECT_EQ(weights.count(), 96 + 2 + 4 + 2);
  EXPECT_EQ(weights.get(0)[0], 12);
  EXPECT_FLOAT_EQ(weights.get(0)[1], 8);
  EXPECT_FLOAT_EQ(weights.get(1)[0], 5 + (1 - 7) * 4);
  EXPECT_FLOAT_EQ(weights.get(1)[1], 6 + (2 - 8) * (4 / 1.5F));
  EXPECT_EQ(weights.get(2), (std::vector<float>{1, 2.0F / 3, 3, 4.0F / 3}));
  EXPECT_FLOAT_EQ(weights.get(3)[0], -10);
  EXPECT_FLOAT_EQ(weights.get(3)[1], -20.0F / 3);
}

void expect_refused(const std::vector<std::vector<float>>& numbers, const std::string& place, const std::string& fact) {
  Network network = frozen({layer("Flatten"), dense(true)});
  try {
    network.set_weights(Numbers(numbers.begin(), numbers.end()));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_EQ(error.place(), place);
    EXPECT_EQ(error.problem(), "weights of another model");
    EXPECT_EQ(error.facts().front().label + ": " + error.facts().front().value, fact);
  }
}

TEST(Folding, RefusesWeightsOfAnotherModel) {
  const std::vector<float> kernel(96);
  const std::vector<float> bias(2);
  expect_refused({kernel}, "layer 'dense' (Dense)", "bias: 0 numbers, not 2");
  expect_refused({kernel, kernel}, "layer 'dense' (Dense)", "bias: 96 numbers, not 2");
  expect_refused({kernel, bias, bias}, "", "weights: 3, not 2");
}

TEST(Folding, IsNotForTraining) {
  Network network = frozen({layer("Flatten"), dense(true)});
  EXPECT_THROW((void)network.plan(4, true), Error);
}

}  // namespace
}  // namespace lapel::plan
