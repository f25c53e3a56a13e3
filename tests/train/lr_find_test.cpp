#include "train/lr_find.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/messages.h"
#include "support/tiny.h"

namespace lapel::training {
namespace {

LrFindResult find(const TypedSpec& optimizer, const LrFindSettings& settings = {}, int threads = 1) {
  const auto pictures = test::tiny_pictures(45, 8, 6, 1, 4);
  TrainSpec spec;
  spec.batch_size = 8;
  spec.optimizer = optimizer;
  plan::Network network(
      model::Model("m",
                   {test::layer("Flatten"),
                    test::layer("Dense", {{"units", std::int64_t{24}}, {"activation", std::string("relu")}}),
                    test::layer("Dense", {{"units", std::int64_t{4}}})},
                   Shape::image(1, 8, 6)),
      {kernels::Dtype::kFloat32, threads, 1.0F / 255.0F, spec.batch_size, true});
  network.parameters().initialize(1);
  return range_test(network, pictures, {0, 37}, spec, {}, settings);
}

TEST(LrFind, RatesRiseByTheSameFactor) {
  const auto result = find({"SGD"}, {.start = 1e-6, .end = 1e-2, .steps = 41});
  ASSERT_EQ(result.points.size(), 41U);
  EXPECT_FALSE(result.diverged);
  EXPECT_NEAR(result.points.front().learning_rate, 1e-6, 1e-18);
  EXPECT_NEAR(result.points.back().learning_rate, 1e-2, 1e-14);
  for (std::size_t i = 1; i < result.points.size(); ++i) {
    EXPECT_NEAR(result.points[i].learning_rate / result.points[i - 1].learning_rate, std::pow(10, 0.1), 1e-9);
  }
}

TEST(LrFind, SmoothsAsFastaiDoes) {
  std::vector<LrFindPoint> points = {{1, 2, 0}, {2, 4, 0}, {3, 1, 0}};
  smooth(points);
  EXPECT_NEAR(points[0].smoothed, 2, 1e-12);
  EXPECT_NEAR(points[1].smoothed, (0.98 * 0.02 * 2 + 0.02 * 4) / (1 - 0.98 * 0.98), 1e-12);
  EXPECT_NEAR(points[2].smoothed, (0.98 * (0.98 * 0.02 * 2 + 0.02 * 4) + 0.02 * 1) / (1 - 0.98 * 0.98 * 0.98), 1e-12);
}

TEST(LrFind, StopsWhereTheLossDiverges) {
  const auto result = find({"SGD"}, {.start = 1e-3, .end = 1e8, .steps = 100});
  EXPECT_TRUE(result.diverged);
  EXPECT_LT(result.points.size(), 100U);
  for (const auto& point : result.points) {
    EXPECT_TRUE(std::isfinite(point.loss));
  }
}

TEST(LrFind, SuggestsTheSteepestAndATenthOfTheLowest) {
  LrFindResult result;
  for (int i = 0; i < 50; ++i) {
    // A step down between 24 and 25, the lowest at 40, then up.
    const double smoothed = i < 25 ? 2 - 0.001 * i : i <= 40 ? 1.5 - 0.001 * i : 3 + i;
    result.points.push_back({std::pow(10, -6 + 0.1 * i), smoothed, smoothed});
  }
  suggest(result);
  EXPECT_NEAR(result.steepest, std::pow(10, -6 + 0.1 * 24), 1e-12);
  EXPECT_NEAR(result.minimum_tenth, std::pow(10, -6 + 0.1 * 40) / 10, 1e-12);
}

TEST(LrFind, SuggestsARateThatLearns) {
  auto result = find({"Adam"});
  suggest(result);
  EXPECT_GT(result.steepest, 1e-5);
  EXPECT_LT(result.steepest, 1);
}

TEST(LrFind, IsTheSameEachTime) {
  for (const int threads : {1, 2}) {
    const auto first = find({"Adam"}, {}, threads);
    const auto second = find({"Adam"}, {}, threads);
    ASSERT_EQ(first.points.size(), second.points.size());
    for (std::size_t i = 0; i < first.points.size(); ++i) {
      EXPECT_EQ(first.points[i].loss, second.points[i].loss);
    }
  }
}

TEST(LrFind, SettingsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(
      lapel::test::message_of([] { return find({"SGD"}, {.start = 1, .end = 0.1, .steps = 100}); }),
      "no learning rates to try\n  from  1        to  0.1        steps  100        allowed  above 0, rising, in at "
      "least 20 steps");
  LrFindResult result;
  result.points.resize(7);
  EXPECT_EQ(lapel::test::message_of([&] {
              suggest(result);
              return 0;
            }),
            "the loss diverged after 7 steps: too few to tell\n  try  a smaller rate to begin with");
}

}  // namespace
}  // namespace lapel::training
