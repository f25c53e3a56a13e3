#include "train/deadline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "lapel/error.h"
#include "support/messages.h"

namespace lapel::training {
namespace {

using lapel::test::message_of;

TEST(DeadlineTest, TextsAreTimes) {
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

/// What follows takes `closing` seconds on the machine as it was at the beginning; to find that out takes `asking`.
Simulated simulate(double budget, double closing, const std::function<double(double)>& step_seconds,
                   double asking = 0) {
  double now = 1.5;  // Loading.
  const auto slower = [&] { return step_seconds(now) / step_seconds(1.5); };
  const auto task = [&](double at_most) {
    EXPECT_LE(at_most, 0.01 * budget);
    now += std::min(asking * slower(), at_most);
    return closing * slower();
  };
  Deadline deadline(budget, [&] { return now; }, {{"evaluation", task}});
  deadline.estimate();
  deadline.begin(now);
  Simulated result;
  while (deadline.share_that_fits() >= 1) {
    const double progress = deadline.progress(now);
    result.rises = result.rises && progress >= result.last_progress && progress <= 1;
    result.last_progress = progress;
    const double seconds = step_seconds(now);
    now += seconds;
    deadline.step_done(seconds);
    ++result.steps;
  }
  result.end = now + closing * slower();
  return result;
}

TEST(DeadlineTest, AnEvenTrainingEndsOnTimeWithAllProgressMade) {
  const auto result = simulate(60, 2, [](double) { return 0.05; });
  EXPECT_LE(result.end, 60.001);
  EXPECT_GT(result.end, 60 - 0.11);
  EXPECT_GT(result.last_progress, 0.998);
  EXPECT_NEAR(result.steps, 1130, 1);
}

/// Small pictures and large ones: short and long steps, closing tasks of up to half the time, and asking that takes
/// what it may.
TEST(DeadlineTest, HoldsWithinAStepWhateverTheSizes) {
  for (const double budget : {10.0, 60.0}) {
    for (const double step : {0.01, 0.05, 1.0}) {
      for (const double closing : {0.01, 0.2 * budget, 0.5 * budget}) {
        const auto result = simulate(
            budget, closing, [&](double) { return step; }, 0.01 * budget);
        EXPECT_LE(result.end, budget + 1e-9) << budget << " " << step << " " << closing;
        EXPECT_GT(result.end, budget - step - 0.011 * budget) << budget << " " << step << " " << closing;
      }
    }
  }
}

TEST(DeadlineTest, AMachineThatSlowsDownMidwayDoesNotMakeItLate) {
  const auto result = simulate(60, 2, [](double now) { return now < 30 ? 0.05 : 0.11; });
  EXPECT_LE(result.end, 60.001);
  EXPECT_GT(result.end, 60 * 0.97);
  EXPECT_GT(result.last_progress, 0.99);
  EXPECT_TRUE(result.rises);
}

TEST(DeadlineTest, AMachineThatGetsFasterIsUsedToTheEnd) {
  const auto result = simulate(60, 2, [](double now) { return now < 20 ? 0.1 : 0.04; });
  EXPECT_LE(result.end, 60);
  EXPECT_GT(result.end, 60 * 0.95);
  EXPECT_GT(result.last_progress, 0.99);
}

TEST(DeadlineTest, AnUnsteadyMachine) {
  const auto result = simulate(60, 2, [](double now) { return static_cast<int>(now * 3) % 4 == 0 ? 0.2 : 0.04; });
  EXPECT_LE(result.last_progress, 1);
  EXPECT_GT(result.last_progress, 0.97);
  EXPECT_TRUE(result.rises);
}

TEST(DeadlineTest, OneLongStepDoesNotMoveThePace) {
  int step = 0;
  const auto result = simulate(60, 2, [&](double now) { return now > 3 && ++step == 120 ? 3.0 : 0.05; });
  EXPECT_NEAR(result.end, 60, 0.11);
}

/// One whose closing task says `closing`, at `now`.
class Fixed {
 public:
  explicit Fixed(double end, double closing)
      : closing_(closing),
        deadline_(
            end, [this] { return now_; }, tasks()) {
    deadline_.estimate();
    deadline_.begin(0);
  }
  Deadline& at(double now) {
    now_ = now;
    return deadline_;
  }
  void says(std::optional<double> closing) { closing_ = closing; }
  [[nodiscard]] int asked() const { return asked_; }
  void steps(int count, double seconds) {
    for (int step = 0; step < count; ++step) {
      deadline_.step_done(seconds);
    }
  }

 private:
  std::vector<ClosingTask> tasks() {
    return {{"evaluation", [this](double) {
               ++asked_;
               return closing_;
             }}};
  }
  double now_ = 0;
  std::optional<double> closing_;
  int asked_ = 0;
  Deadline deadline_;
};

/// It has every second 50 milliseconds.
TEST(DeadlineTest, TurnsOfAnotherProcessAreNoSlowdownOfTheirOwn) {
  Fixed fixed(10, 1);
  double now = 0;
  double most = 0;
  for (int step = 0; step < 2000; ++step) {
    const double seconds = static_cast<int>(now / 0.05) % 2 == 0 ? 0.0035 : 0.007;
    now += seconds;
    fixed.steps(1, seconds);
    most = std::max(most, fixed.at(0).slowdown());
  }
  EXPECT_LT(most, 1.4);
}

TEST(DeadlineTest, AJumpOfTheClockEndsTheTraining) {
  Fixed fixed(60, 2);
  fixed.steps(1, 0.05);
  EXPECT_EQ(fixed.at(10).share_that_fits(), 1);
  EXPECT_EQ(fixed.at(1000).progress(1000), 1);
  EXPECT_EQ(fixed.at(1000).share_that_fits(), 0);
  EXPECT_EQ(fixed.at(20).progress(20), 1) << "progress never falls";
}

TEST(DeadlineTest, TimeThatIsOverBeforeItBeganHasNoStep) {
  Fixed fixed(10, 4);
  EXPECT_EQ(fixed.at(7).share_that_fits(), 0);
  EXPECT_EQ(fixed.at(7).progress(7), 1);
}

TEST(DeadlineTest, TheFirstStepIsAsLongAsExpected) {
  Fixed fixed(10, 1);
  EXPECT_EQ(fixed.at(5).share_that_fits(), 1) << "nothing is expected";
  fixed.at(5).expect_step(3);
  EXPECT_EQ(fixed.at(5).share_that_fits(), 1);
  fixed.at(5).expect_step(8);
  EXPECT_NEAR(fixed.at(5).share_that_fits(), 0.5, 1e-9);
  fixed.steps(1, 4);
  EXPECT_EQ(fixed.at(5).share_that_fits(), 1) << "by now it is known";
}

TEST(DeadlineTest, TheReserveIsEstimatedAgainAndStays) {
  Fixed fixed(60, 2);
  fixed.steps(60, 0.05);
  EXPECT_EQ(fixed.at(55.9).share_that_fits(), 1);
  EXPECT_EQ(fixed.asked(), 1);
  fixed.says(2.8);
  EXPECT_EQ(fixed.at(56.1).share_that_fits(), 1);
  EXPECT_EQ(fixed.asked(), 2);
  EXPECT_EQ(fixed.at(57.5).share_that_fits(), 1) << "2.4 s are reserved: the mean";
  EXPECT_LT(fixed.at(57.6).share_that_fits(), 1);
  fixed.steps(60, 0.1);
  EXPECT_EQ(fixed.at(57).slowdown(), 1);
  EXPECT_EQ(fixed.asked(), 2);
}

TEST(DeadlineTest, ASlowerMachineIsAskedEarlierAndThenOnceMore) {
  Fixed fixed(60, 2);
  fixed.steps(60, 0.05);
  fixed.steps(60, 0.1);
  EXPECT_EQ(fixed.at(51.9).share_that_fits(), 1);
  EXPECT_EQ(fixed.asked(), 1);
  fixed.says(3);
  EXPECT_EQ(fixed.at(52.1).share_that_fits(), 1);
  EXPECT_EQ(fixed.asked(), 2) << "4 s of reserve, and as long before it";
  EXPECT_EQ(fixed.at(53.9).share_that_fits(), 1) << "3 s: no longer doubled, and no mean with what it was";
  EXPECT_EQ(fixed.asked(), 2);
  fixed.steps(60, 0.15);
  EXPECT_NEAR(fixed.at(53.9).slowdown(), 1.5, 1e-9) << "what comes after the estimate counts";
  fixed.says(4.5);
  EXPECT_EQ(fixed.at(54).share_that_fits(), 1);
  EXPECT_EQ(fixed.asked(), 3);
  EXPECT_EQ(fixed.at(55).share_that_fits(), 1) << "2 s of training, 4 s of reserve: it stays";
  EXPECT_EQ(fixed.asked(), 3);
}

TEST(DeadlineTest, ATaskThatCannotTellAnewBecomesAsSlowAsTheSteps) {
  Fixed fixed(60, 2);
  fixed.steps(60, 0.05);
  fixed.steps(60, 0.1);
  fixed.says(std::nullopt);
  EXPECT_EQ(fixed.at(53).share_that_fits(), 1);
  EXPECT_EQ(fixed.at(53).reserve(), 4);
}

TEST(DeadlineTest, TheReserveIsEstimatedFourTimesAtMost) {
  Fixed fixed(60, 2);
  double seconds = 0.01;
  for (int estimate = 0; estimate < 3; ++estimate) {
    fixed.steps(100, seconds);
    fixed.steps(100, 20 * seconds);
    static_cast<void>(fixed.at(10).share_that_fits());
    EXPECT_EQ(fixed.asked(), estimate + 2);
    seconds *= 20;
  }
  static_cast<void>(fixed.at(58).share_that_fits());
  EXPECT_EQ(fixed.asked(), 4);
}

TEST(DeadlineTest, ValidationHasItsTime) {
  Fixed fixed(60, 2);
  fixed.steps(1, 0.5);
  EXPECT_EQ(fixed.at(57).share_that_fits(), 1);
  fixed.at(57).set_validation(1);
  EXPECT_LT(fixed.at(57).share_that_fits(), 1);
  EXPECT_EQ(fixed.at(56.4).share_that_fits(), 1);
}

}  // namespace
}  // namespace lapel::training
