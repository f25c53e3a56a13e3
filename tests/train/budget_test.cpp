#include "train/budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "lapel/error.h"
#include "support/messages.h"

namespace lapel::training {
namespace {

using lapel::test::message_of;

TEST(Budget, TextsAreTimes) {
  EXPECT_EQ(budget_seconds(""), 0);
  EXPECT_EQ(budget_seconds("60s"), 60);
  EXPECT_EQ(budget_seconds("0.5s"), 0.5);
  EXPECT_EQ(budget_seconds("5min"), 300);
  EXPECT_EQ(budget_seconds("1.5h"), 5400);
  for (const char* text : {"60", "s", "5 min", "-1s", "0s", "infs", "nans", "1d", "60ss", " 60s"}) {
    EXPECT_EQ(message_of([&] { return budget_seconds(text); }),
              "time_budget = \"" + std::string(text) +
                  "\" is not allowed\n  allowed  a number above 0 with s, min or h        try  time_budget = \"60s\"");
  }
}

/// A training on a clock of its own: `step_seconds` says how long a step takes that begins then.
struct Simulated {
  double last_progress = 0;  ///< Of the last step.
  double end = 0;            ///< Of training, validation and what follows.
  int steps = 0;
  bool rises = true;
};

Simulated simulate(double budget, double reserve, const std::function<double(double)>& step_seconds) {
  double now = 1.5;  // Loading.
  Budget rule({budget, reserve}, now);
  Simulated result;
  while (rule.fits(now)) {
    const double progress = rule.progress(now);
    result.rises = result.rises && progress >= result.last_progress && progress <= 1;
    result.last_progress = progress;
    const double seconds = step_seconds(now);
    now += seconds;
    rule.step_done(seconds);
    ++result.steps;
  }
  // What follows is as slow as the machine is.
  result.end = now + reserve * step_seconds(now) / step_seconds(1.5);
  return result;
}

TEST(Budget, AnEvenTrainingEndsOnTimeWithAllProgressMade) {
  const auto result = simulate(60, 2, [](double) { return 0.05; });
  EXPECT_LE(result.end, 60.001);
  EXPECT_GT(result.end, 60 - 0.11);
  EXPECT_GT(result.last_progress, 0.998);
  EXPECT_NEAR(result.steps, 1130, 1);
}

TEST(Budget, AMachineThatSlowsDownMidwayDoesNotMakeItLate) {
  const auto result = simulate(60, 2, [](double now) { return now < 30 ? 0.05 : 0.11; });
  EXPECT_LE(result.end, 60.001);
  EXPECT_GT(result.end, 60 * 0.97);
  EXPECT_GT(result.last_progress, 0.99);
  EXPECT_TRUE(result.rises);
}

TEST(Budget, AMachineThatGetsFasterIsUsedToTheEnd) {
  const auto result = simulate(60, 2, [](double now) { return now < 20 ? 0.1 : 0.04; });
  EXPECT_LE(result.end, 60);
  EXPECT_GT(result.end, 60 * 0.95);
  EXPECT_GT(result.last_progress, 0.99);
}

TEST(Budget, AnUnsteadyMachine) {
  const auto result = simulate(60, 2, [](double now) { return static_cast<int>(now * 3) % 4 == 0 ? 0.2 : 0.04; });
  EXPECT_LE(result.last_progress, 1);
  EXPECT_GT(result.last_progress, 0.97);
  EXPECT_TRUE(result.rises);
}

TEST(Budget, OneLongStepDoesNotMoveThePace) {
  int step = 0;
  const auto result = simulate(60, 2, [&](double) { return ++step == 40 ? 3.0 : 0.05; });
  EXPECT_NEAR(result.end, 60, 0.11);
}

/// It has every second 50 milliseconds.
TEST(Budget, TurnsOfAnotherProcessAreNoSlowdownOfTheirOwn) {
  Budget rule({10, 1}, 0);
  double now = 0;
  double most = 0;
  for (int step = 0; step < 2000; ++step) {
    const double seconds = static_cast<int>(now / 0.05) % 2 == 0 ? 0.0035 : 0.007;
    now += seconds;
    rule.step_done(seconds);
    most = std::max(most, rule.slowdown());
  }
  EXPECT_LT(most, 1.4);
}

TEST(Budget, AJumpOfTheClockEndsTheTraining) {
  Budget rule({60, 2}, 0);
  rule.step_done(0.05);
  EXPECT_TRUE(rule.fits(10));
  EXPECT_EQ(rule.progress(1000), 1);
  EXPECT_FALSE(rule.fits(1000));
  EXPECT_EQ(rule.progress(20), 1) << "progress never falls";
}

TEST(Budget, TimeThatIsOverBeforeItBeganHasNoStep) {
  Budget rule({10, 4}, 7);
  EXPECT_FALSE(rule.fits(7));
  EXPECT_EQ(rule.progress(7), 1);
}

TEST(Budget, AFirstStepIsTakenWhateverItTakes) {
  const Budget rule({10, 4}, 5);
  EXPECT_TRUE(rule.fits(5));
}

TEST(Budget, TheReserveIsMeasuredAgainAndStays) {
  Budget rule({60, 2}, 0);
  for (int step = 0; step < 60; ++step) {
    rule.step_done(0.05);
  }
  EXPECT_FALSE(rule.reserve_due(55.9));
  EXPECT_TRUE(rule.reserve_due(56.1));
  rule.set_reserve(2.8, 56.1);
  EXPECT_FALSE(rule.reserve_due(57)) << "2.4 s are reserved: the mean";
  EXPECT_TRUE(rule.fits(57.5));
  EXPECT_FALSE(rule.fits(57.6));
  for (int step = 0; step < 60; ++step) {
    rule.step_done(0.1);
  }
  EXPECT_EQ(rule.slowdown(), 1);
}

TEST(Budget, ASlowerMachineMeasuresEarlierAndThenOnceMore) {
  Budget rule({60, 2}, 0);
  for (int step = 0; step < 120; ++step) {
    rule.step_done(step < 60 ? 0.05 : 0.1);
  }
  EXPECT_FALSE(rule.reserve_due(51.9));
  EXPECT_TRUE(rule.reserve_due(52.1)) << "4 s of reserve, and as long before it";
  rule.set_reserve(3, 52.1);
  EXPECT_TRUE(rule.fits(56.8)) << "no longer doubled, and no mean with what it was";
  EXPECT_FALSE(rule.reserve_due(53.9));
  for (int step = 0; step < 60; ++step) {
    rule.step_done(0.15);
  }
  EXPECT_NEAR(rule.slowdown(), 1.5, 1e-9) << "what comes after the measure counts";
  EXPECT_TRUE(rule.reserve_due(53.9));
  rule.set_reserve(4.5, 54);
  EXPECT_FALSE(rule.reserve_due(55)) << "2 s of training, 4 s of reserve: it stays";
}

TEST(Budget, TheReserveIsMeasuredThreeTimesAtMost) {
  Budget rule({60, 2}, 0);
  double seconds = 0.01;
  for (int measure = 0; measure < 3; ++measure) {
    for (int steps = 0; steps < 200; ++steps) {
      rule.step_done(steps < 100 ? seconds : 20 * seconds);
    }
    EXPECT_TRUE(rule.reserve_due(10));
    rule.set_reserve(2, 10);
    seconds *= 20;
  }
  EXPECT_FALSE(rule.reserve_due(58));
}

TEST(Budget, ValidationHasItsTime) {
  Budget rule({60, 2}, 0);
  rule.step_done(0.5);
  EXPECT_TRUE(rule.fits(57));
  rule.set_validation(1);
  EXPECT_FALSE(rule.fits(57));
  EXPECT_TRUE(rule.fits(56.4));
}

}  // namespace
}  // namespace lapel::training
