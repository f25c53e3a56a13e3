#include "plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/threads.h"
#include "kernels/reference/reference.h"
#include "lapel/error.h"
#include "plan/network.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

constexpr std::int64_t kBatch = 6;

struct Case {
  bool reference;
  kernels::Dtype dtype;
};

Network make_network(const Case& how, std::int64_t batch = kBatch, int threads = 2) {
  Network network(model::Model("m", test::residual_layers(4), Shape::image(1, 8, 6)),
                  {how.dtype, threads, 1.0F / 255.0F, batch, true, false,
                   how.reference ? kernels::make_reference_operator : kernels::make_operator});
  network.parameters().initialize(3);
  return network;
}

const LabeledPictures& pictures() {
  static const LabeledPictures kPictures = test::tiny_pictures(20, 8, 6, 1, 4);
  return kPictures;
}

std::vector<std::uint32_t> rows(std::size_t count, std::uint32_t first = 0) {
  std::vector<std::uint32_t> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

kernels::LossResult step(Network& network, const std::vector<std::uint32_t>& samples) {
  const ThreadScope threads(network.options().threads);
  return network.plan(static_cast<std::int64_t>(samples.size()), true)
      .train_step({pictures().pictures.pixels.data(), pictures().labels, samples}, {}, {1, 1});
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return largest == 0 ? difference : difference / largest;
}

TEST(Plan, FastAndReferenceAgreeInEveryGradient) {
  auto fast = make_network({false, kernels::Dtype::kFloat32});
  auto reference = make_network({true, kernels::Dtype::kFloat32});
  const auto samples = rows(kBatch);
  const auto a = step(fast, samples);
  const auto b = step(reference, samples);
  EXPECT_NEAR(a.loss_sum, b.loss_sum, 1e-5 * b.loss_sum);
  EXPECT_EQ(a.correct, b.correct);
  for (std::size_t i = 0; i < fast.parameters().entries().size(); ++i) {
    EXPECT_LT(relative_difference(fast.parameters().get_gradient(i), reference.parameters().get_gradient(i)), 1e-4)
        << fast.parameters().entries()[i].name;
  }
}

TEST(Plan, Bfloat16IsNearFloat32) {
  auto low = make_network({false, kernels::Dtype::kBfloat16});
  auto full = make_network({true, kernels::Dtype::kFloat32});
  const auto samples = rows(kBatch);
  const auto a = step(low, samples);
  const auto b = step(full, samples);
  EXPECT_NEAR(a.loss_sum, b.loss_sum, 0.02 * b.loss_sum);
  for (std::size_t i = 0; i < low.parameters().entries().size(); ++i) {
    EXPECT_LT(relative_difference(low.parameters().get_gradient(i), full.parameters().get_gradient(i)), 0.1)
        << low.parameters().entries()[i].name;
  }
}

/// Moves one weight both ways and compares the change of the loss with the gradient, for the largest gradient of every
/// weight: the whole chain of operators, fan-out and memory reuse included.
TEST(Plan, GradientsAreFiniteDifferencesOfTheLoss) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  auto& parameters = network.parameters();
  const auto samples = rows(kBatch);
  step(network, samples);
  std::vector<std::vector<float>> gradients;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    gradients.push_back(parameters.get_gradient(i));
  }
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const auto& gradient = gradients[i];
    const auto largest = static_cast<std::size_t>(
        std::max_element(gradient.begin(), gradient.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }) -
        gradient.begin());
    const auto original = parameters.get(i);
    const auto loss_at = [&](float offset) {
      auto moved = original;
      moved[largest] += offset;
      parameters.set(i, moved);
      return step(network, samples).loss_sum / static_cast<double>(kBatch);
    };
    constexpr float kStep = 2e-3F;
    const double slope = (loss_at(kStep) - loss_at(-kStep)) / (2 * static_cast<double>(kStep));
    parameters.set(i, original);
    EXPECT_NEAR(slope, gradient[largest], 0.02 * std::abs(gradient[largest]) + 2e-4) << parameters.entries()[i].name;
  }
}

TEST(Plan, TheSameStepTwiceGivesTheSameBits) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  const auto samples = rows(kBatch);
  const auto first = step(network, samples);
  const auto gradient = network.parameters().get_gradient(0);
  const auto second = step(network, samples);
  EXPECT_EQ(first.loss_sum, second.loss_sum);
  EXPECT_EQ(gradient, network.parameters().get_gradient(0));
}

const std::vector<kernels::UpdateRule>& three_updates() {
  static const std::vector<kernels::UpdateRule> kRules = [] {
    std::vector<kernels::UpdateRule> rules;
    kernels::AdamRule adam;
    adam.learning_rate = 0.01F;
    for (adam.iteration = 1; adam.iteration <= 3; ++adam.iteration) {
      rules.emplace_back(adam);
    }
    return rules;
  }();
  return kRules;
}

/// Trains a network, with fused updates or after gradients that are stored.
Network trained(const Case& how, bool fused) {
  auto network = make_network(how);
  auto& parameters = network.parameters();
  parameters.add_optimizer_state(2);
  const ThreadScope threads(2);
  const auto samples = rows(kBatch);
  const Batch batch{pictures().pictures.pixels.data(), pictures().labels, samples};
  for (const auto& rule : three_updates()) {
    if (fused) {
      network.plan(kBatch, true).train_step(batch, {}, {1, 1}, rule);
      continue;
    }
    network.plan(kBatch, true).train_step(batch, {}, {1, 1});
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      rule.apply(parameters.update_span(i));
    }
  }
  return network;
}

TEST(Plan, FusedUpdatesAsAfterwards) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    for (const bool reference : {false, true}) {
      const auto fused = trained({reference, dtype}, true);
      const auto after = trained({reference, dtype}, false);
      for (std::size_t i = 0; i < after.parameters().entries().size(); ++i) {
        EXPECT_EQ(fused.parameters().get(i), after.parameters().get(i)) << after.parameters().entries()[i].name;
      }
    }
  }
}

TEST(Plan, AFusedUpdateStoresNoGradientOfADenseLayer) {
  const auto fused = trained({false, kernels::Dtype::kFloat32}, true);
  const auto after = trained({false, kernels::Dtype::kFloat32}, false);
  const auto& kernel = fused.parameters().entries()[8];
  EXPECT_EQ(kernel.name, "logits/kernel");
  EXPECT_LE(fused.parameters().gradient_bytes() + kernel.size * sizeof(float), after.parameters().gradient_bytes());
  try {
    (void)fused.parameters().get_gradient(8);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.place(), "logits/kernel");
    EXPECT_EQ(error.problem(), "no gradient has been stored");
  }
}

TEST(Plan, ALossThatIsNotFiniteChangesNoWeight) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  auto& parameters = network.parameters();
  parameters.add_optimizer_state(2);
  auto kernel = parameters.get(8);
  kernel[0] = std::numeric_limits<float>::infinity();
  parameters.set(8, kernel);
  std::vector<std::vector<float>> before;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    before.push_back(parameters.get(i));
  }
  const ThreadScope threads(2);
  const auto samples = rows(kBatch);
  const auto result = network.plan(kBatch, true)
                          .train_step({pictures().pictures.pixels.data(), pictures().labels, samples}, {}, {1, 1},
                                      three_updates().front());
  EXPECT_FALSE(std::isfinite(result.loss_sum));
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(parameters.get(i), before[i]) << parameters.entries()[i].name;
  }
}

TEST(Plan, AnUpdateNeedsRoomForItsState) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  const auto samples = rows(kBatch);
  const ThreadScope threads(2);
  EXPECT_THROW(network.plan(kBatch, true)
                   .train_step({pictures().pictures.pixels.data(), pictures().labels, samples}, {}, {1, 1},
                               three_updates().front()),
               Error);
}

TEST(Plan, APartialBatchSharesTheWeights) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  auto reference = make_network({true, kernels::Dtype::kFloat32}, 3);
  const auto samples = rows(3, 5);
  EXPECT_NEAR(step(network, samples).loss_sum, step(reference, samples).loss_sum, 1e-4);
  for (std::size_t i = 0; i < network.parameters().entries().size(); ++i) {
    EXPECT_LT(relative_difference(network.parameters().get_gradient(i), reference.parameters().get_gradient(i)), 1e-4);
  }
}

TEST(Plan, OneHotTargetsGiveTheSameAsClassNumbers) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  const auto samples = rows(kBatch);
  auto& plan = network.plan(kBatch, true);
  const Batch batch{pictures().pictures.pixels.data(), pictures().labels, samples};
  const ThreadScope threads(2);
  const auto sparse = plan.train_step(batch, {false, 0.1F}, {});
  const auto gradient = network.parameters().get_gradient(0);
  const auto one_hot = plan.train_step(batch, {true, 0.1F}, {});
  EXPECT_NEAR(sparse.loss_sum, one_hot.loss_sum, 1e-5);
  EXPECT_EQ(sparse.correct, one_hot.correct);
  EXPECT_LT(relative_difference(gradient, network.parameters().get_gradient(0)), 1e-5);
}

TEST(Plan, PredictionsDoNotDependOnTheBatch) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  std::vector<float> whole(20 * 4);
  std::vector<float> parts(20 * 4);
  network.predict(pictures().pictures.pixels.data(), 0, 20, 20, whole);
  network.predict(pictures().pictures.pixels.data(), 0, 20, 3, parts);
  EXPECT_LT(relative_difference(whole, parts), 1e-5);
  for (std::size_t row = 0; row < 20; ++row) {
    EXPECT_NEAR(std::accumulate(whole.begin() + static_cast<std::ptrdiff_t>(row * 4),
                                whole.begin() + static_cast<std::ptrdiff_t>(row * 4 + 4), 0.0F),
                1, 1e-5);
  }
}

TEST(Plan, LargeConvolutionsPredictInSmallerBatches) {
  const Shape picture = Shape::image(1, 64, 64);
  const auto pixels = test::tiny_pictures(128, 64, 64, 1, 4).pictures.pixels;
  const auto make = [&](const LayerSpec& first) {
    Network network(
        model::Model("m",
                     {first, test::layer("GlobalAveragePooling2D"), test::layer("Dense", {{"units", std::int64_t{4}}})},
                     picture),
        {kernels::Dtype::kFloat32, 2, 1.0F / 255.0F, 128, false});
    network.parameters().initialize(3);
    return network;
  };
  // 1 MiB of activations a picture, so that no batch fits into the caches.
  auto network = make(test::layer("Conv2D", {{"filters", std::int64_t{64}}, {"kernel_size", std::int64_t{1}}}));
  EXPECT_EQ(network.inference_batch(128), 32);
  EXPECT_EQ(network.inference_batch(128), 32);
  EXPECT_EQ(network.inference_batch(40), 40);
  std::vector<float> whole(128 * 4);
  std::vector<float> parts(128 * 4);
  network.predict(pixels.data(), 0, 128, 128, parts);
  std::vector<std::uint32_t> rows(128);
  std::iota(rows.begin(), rows.end(), 0U);
  network.plan(128, false).predict({pixels.data(), {}, rows}, whole);
  EXPECT_LT(relative_difference(whole, parts), 1e-5);
  // A Dense layer on pixels works in blocks of rows by itself.
  EXPECT_EQ(make(test::layer("Dense", {{"units", std::int64_t{64}}})).inference_batch(128), 128);
}

TEST(Plan, EvaluationReusesMemoryThatTrainingMustKeep) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  EXPECT_LT(network.plan(kBatch, false).bytes(), network.plan(kBatch, true).bytes());
}

Network dense_on_pixels(const Case& how, int threads, const std::string& between) {
  const OptionValues relu = {{"units", std::int64_t{9}}, {"activation", std::string("relu")}};
  const auto middle = between == "dropout" ? test::layer("Dropout", {{"rate", 0.3}})
                                           : test::layer("Activation", {{"activation", between}});
  Network network(model::Model("m",
                               {test::layer("Dense", relu), middle, test::layer("Dense", relu), test::layer("Flatten"),
                                test::layer("Dense", {{"units", std::int64_t{4}}})},
                               Shape::image(1, 8, 6)),
                  {how.dtype, threads, 1.0F / 255.0F, kBatch, true, false,
                   how.reference ? kernels::make_reference_operator : kernels::make_operator});
  network.parameters().initialize(3);
  return network;
}

TEST(Plan, ChainsOfSmallLayersAgreeWithTheReferenceInEveryPlan) {
  for (const std::string between : {"linear", "tanh", "dropout"}) {
    SCOPED_TRACE(between);
    auto fast = dense_on_pixels({false, kernels::Dtype::kFloat32}, 2, between);
    auto alone = dense_on_pixels({false, kernels::Dtype::kFloat32}, 1, between);
    auto reference = dense_on_pixels({true, kernels::Dtype::kFloat32}, 2, between);
    for (const std::size_t count : {std::size_t{kBatch}, std::size_t{3}}) {
      const auto samples = rows(count);
      const auto expected = step(reference, samples);
      EXPECT_NEAR(step(fast, samples).loss_sum, expected.loss_sum, 1e-5 * expected.loss_sum);
      step(alone, samples);
      for (std::size_t i = 0; i < fast.parameters().entries().size(); ++i) {
        EXPECT_LT(relative_difference(fast.parameters().get_gradient(i), reference.parameters().get_gradient(i)), 1e-4)
            << fast.parameters().entries()[i].name;
      }
      EXPECT_EQ(fast.parameters().get_gradient(0), alone.parameters().get_gradient(0));
    }
    std::vector<float> expected(20 * 4);
    std::vector<float> actual(20 * 4);
    reference.predict(pictures().pictures.pixels.data(), 0, 20, 20, expected);
    fast.predict(pictures().pictures.pixels.data(), 0, 20, 7, actual);
    EXPECT_LT(relative_difference(actual, expected), 1e-5);
  }
}

TEST(Plan, TellsItsInstructions) {
  auto network = make_network({false, kernels::Dtype::kFloat32});
  const auto instructions = network.plan(kBatch, true).instructions();
  ASSERT_EQ(instructions.size(), 10U);
  EXPECT_EQ(instructions[1].layer, "stem");
  EXPECT_EQ(instructions[1].op, "conv2d");
  EXPECT_EQ(instructions[1].flop, 2 * kBatch * 8 * 6 * 9 * 5);
  EXPECT_FALSE(instructions[1].implementation.empty());
}

}  // namespace
}  // namespace lapel::plan
