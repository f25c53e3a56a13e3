// Answers of a model whose normalizations are in its weights, against those of the model as it was trained.

#include "model/folding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/rng.h"
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
  const NetworkOptions options{.dtype = dtype, .threads = 2, .main_batch = 40};
  const model::Model trained = normalised(4);
  Network network(trained, options);
  fill(network.parameters());
  network.parameters().refresh_low();

  const model::FoldedModel folded(trained);
  EXPECT_EQ(folded.model().nodes().size() + 3, trained.nodes().size());
  std::vector<std::vector<float>> numbers;
  for (std::size_t i = 0; i < network.parameters().entries().size(); ++i) {
    numbers.push_back(network.parameters().get(i));
  }
  const auto weights = folded.weights(std::vector<std::span<const float>>(numbers.begin(), numbers.end()));
  Network without(folded.model(), options);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    without.parameters().set(i, weights[i]);
  }

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

}  // namespace
}  // namespace lapel::plan
