#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace lapel::training {
namespace {

TEST(Schedule, ConstantIsOne) {
  const auto schedule = make_schedule({"Constant", {}, {}});
  EXPECT_EQ(schedule->factor(0), 1);
  EXPECT_EQ(schedule->factor(0.99), 1);
}

TEST(Schedule, CosineFallsToAlpha) {
  const auto schedule = make_schedule({"Cosine", {{"alpha", 0.1}}, {}});
  EXPECT_DOUBLE_EQ(schedule->factor(0), 1);
  EXPECT_DOUBLE_EQ(schedule->factor(0.5), 0.1 + 0.9 * 0.5);
  EXPECT_DOUBLE_EQ(schedule->factor(0.25), 0.1 + 0.9 * (1 + std::cos(std::numbers::pi / 4)) / 2);
  EXPECT_NEAR(schedule->factor(1), 0.1, 1e-12);
}

TEST(Schedule, CosineRisesInAStraightLineFirst) {
  const auto schedule = make_schedule({"Cosine", {{"warmup_fraction", 0.2}}, {}});
  EXPECT_DOUBLE_EQ(schedule->factor(0), 0);
  EXPECT_DOUBLE_EQ(schedule->factor(0.05), 0.25);
  EXPECT_DOUBLE_EQ(schedule->factor(0.2), 1);
  EXPECT_NEAR(schedule->factor(0.6), 0.5, 1e-12);
}

TEST(Schedule, OneCycleGoesUpAndDown) {
  const auto schedule = make_schedule({"OneCycle", {}, {}});
  EXPECT_NEAR(schedule->factor(0), 0.04, 1e-15);
  EXPECT_DOUBLE_EQ(schedule->factor(0.125), (1 + 0.04) / 2);
  EXPECT_DOUBLE_EQ(schedule->factor(0.25), 1);
  EXPECT_NEAR(schedule->factor(0.625), (1 + 0.0001) / 2, 1e-12);
  EXPECT_NEAR(schedule->factor(1), 0.0001, 1e-12);
}

}  // namespace
}  // namespace lapel::training
