#include "train/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/numbers.h"
#include "train/options.h"

namespace lapel::training {
namespace {

double factor(const TypedSpec& spec, double progress, double epochs = 10) {
  return make_schedule(spec)->factor(progress, epochs);
}

TEST(Schedule, ConstantIsOne) {
  EXPECT_EQ(factor({"Constant"}, 0), 1);
  EXPECT_EQ(factor({"Constant"}, 0.99), 1);
}

TEST(Schedule, CosineFallsToAlpha) {
  const TypedSpec cosine{"Cosine", {{"alpha", 0.1}}};
  EXPECT_DOUBLE_EQ(factor(cosine, 0), 1);
  EXPECT_DOUBLE_EQ(factor(cosine, 0.5), 0.1 + 0.9 * 0.5);
  EXPECT_DOUBLE_EQ(factor(cosine, 0.25), 0.1 + 0.9 * (1 + std::cos(std::numbers::pi / 4)) / 2);
  EXPECT_NEAR(factor(cosine, 1), 0.1, 1e-12);
}

TEST(Schedule, CosineRisesInAStraightLineFirst) {
  const TypedSpec cosine{"Cosine", {{"warmup_fraction", 0.2}}};
  EXPECT_DOUBLE_EQ(factor(cosine, 0), 0);
  EXPECT_DOUBLE_EQ(factor(cosine, 0.05), 0.25);
  EXPECT_DOUBLE_EQ(factor(cosine, 0.2), 1);
  EXPECT_NEAR(factor(cosine, 0.6), 0.5, 1e-12);
}

TEST(Schedule, OneCycleGoesUpAndDown) {
  const TypedSpec cycle{"OneCycle"};
  EXPECT_NEAR(factor(cycle, 0), 0.04, 1e-15);
  EXPECT_DOUBLE_EQ(factor(cycle, 0.125), (1 + 0.04) / 2);
  EXPECT_DOUBLE_EQ(factor(cycle, 0.25), 1);
  EXPECT_NEAR(factor(cycle, 0.625), (1 + 0.0001) / 2, 1e-12);
  EXPECT_NEAR(factor(cycle, 1), 0.0001, 1e-12);
}

/// Every step of the published formulas; the warm-up once as a share, once in epochs.
TEST(Schedule, AsKerasAndPyTorchHaveThem) {
  constexpr double kSteps = 40;
  constexpr double kEpochs = 4;
  int compared = 0;
  for (const auto& [key, expected] : test::golden_numbers()) {
    const std::string type = key.substr(0, key.find('/'));
    if (type != "Constant" && type != "Linear" && type != "Cosine" && type != "OneCycle") {
      continue;
    }
    SCOPED_TRACE(key);
    const double warmup = std::stod(key.substr(key.find('/') + 1));
    OptionValues options;
    if (type == "OneCycle" && warmup == 15) {
      options = {{"initial_factor", 0.2}, {"final_factor", 0.05}};
    } else if (type == "Linear" || type == "Cosine") {
      options = {{"alpha", type == "Linear" ? 0.1 : 0.02}};
    }
    OptionValues in_epochs = options;
    options["warmup_fraction"] = warmup / kSteps;
    in_epochs["warmup_fraction"] = warmup == 0 ? 0 : 0.7;  // The epochs come first.
    in_epochs["warmup_epochs"] = warmup / kSteps * kEpochs;
    ASSERT_EQ(expected.size(), static_cast<std::size_t>(kSteps));
    for (std::size_t step = 0; step < expected.size(); ++step) {
      const double progress = static_cast<double>(step) / kSteps;
      EXPECT_NEAR(factor({type, options}, progress, kEpochs), expected[step], 1e-9);
      EXPECT_NEAR(factor({type, in_epochs}, progress, kEpochs), expected[step], 1e-9);
    }
    ++compared;
  }
  EXPECT_EQ(compared, 11);
}

TEST(Schedule, AWarmUpLongerThanTheTrainingNeverEnds) {
  const TypedSpec spec{"Linear", {{"warmup_epochs", 20.0}}};
  EXPECT_DOUBLE_EQ(factor(spec, 0.5, 10), 0.5);
  EXPECT_DOUBLE_EQ(factor(spec, 1, 10), 1);
}

/// Every schedule stays within [0, 1] and has no jump but at most that of its end.
TEST(Schedule, AllAreContinuous) {
  for (const auto& type : schedule_types()) {
    for (const double warmup : {0.0, 0.3}) {
      const auto schedule = make_schedule({std::string(type.type), {{"warmup_fraction", warmup}}});
      double before = schedule->factor(0, 10);
      for (int i = 1; i <= 1000; ++i) {
        const double here = schedule->factor(i / 1000.0, 10);
        EXPECT_NEAR(here, before, 0.006) << type.type << " at " << i;
        EXPECT_GE(here, 0);
        EXPECT_LE(here, 1);
        before = here;
      }
    }
  }
}

}  // namespace
}  // namespace lapel::training
