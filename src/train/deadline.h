#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lapel::training {

/// The seconds that a recipe's `time_budget` stands for: "60s", "1.5min", "2h"; 0 for an empty text.
/// Throws Error (kRecipe) without a place for any other text, and for a time that is not above 0.
[[nodiscard]] double budget_seconds(const std::string& text);

/// Work that follows the training: evaluation, plots, files.
struct ClosingTask {
  std::string name;
  /// The seconds that it will take, as the machine is now. To find that out may itself take `at_most` seconds; nothing
  /// where that is too little to tell anew.
  std::function<std::optional<double>(double at_most)> estimate;
};

/// When a process has to be over, and how that divides its time. It knows no clock of its own: `now` tells the seconds
/// since the beginning, at which `end` is told too.
///
/// The training ends at `end` less the reserve, which is what the closing tasks will take. To ask them costs a
/// hundredth of the time before the training. Where steps become slower than they were then (another process has come),
/// the reserve grows in proportion, since what follows will be slower as well; it never shrinks below what was
/// estimated. When no more training is left than the reserve is long, slowed down as the steps are, the tasks are asked
/// again, since a guess from the pace of steps is worth less than a look at what follows; where the answer says that
/// there is more left after all, once more later. Then the reserve stays, since no pace of so short a rest is worth
/// more.
class Deadline {
 public:
  Deadline(double end, std::function<double()> now, std::vector<ClosingTask> tasks = {});

  /// Asks the closing tasks for the first time.
  void estimate();
  [[nodiscard]] double end() const { return end_; }
  /// Seconds that the closing tasks will take, as they last said.
  [[nodiscard]] double reserve() const { return reserve_; }

  /// The training begins now; of one that goes on, it began at `start`.
  void begin(double start) { start_ = start; }
  /// The share of the training's time that has passed, in [0, 1]. Never falls.
  [[nodiscard]] double progress(double now);
  /// The share of a step that is over in time if it begins now, in [0, 1], at the pace of the last ones; of the first
  /// one, as `expect_step` says. May ask the closing tasks again.
  [[nodiscard]] double share_that_fits();
  /// A step took so long.
  void step_done(double seconds);
  /// What the first step is expected to take, before any is done.
  void expect_step(double seconds) { expected_step_ = seconds; }
  /// Seconds of a step, at the pace of the last ones; before any is done what is expected.
  [[nodiscard]] double pace() const;
  /// What a validation takes that will have to follow the last step.
  void set_validation(double seconds) { validation_ = seconds; }
  /// How many times slower the last steps were than when the reserve was estimated; at least 1.
  [[nodiscard]] double slowdown() const;

 private:
  /// Steps in a row, as many as it takes for one to be about as long as the turn of another process; a pace is of
  /// twenty, so that neither such turns, nor an interruption, nor the step that makes a plan move it.
  struct Slice {
    double seconds = 0;
    std::int64_t steps = 0;
  };
  static constexpr double kSliceSeconds = 0.05;
  static constexpr std::size_t kSlices = 20;
  /// Of which the first pace is made.
  static constexpr std::size_t kFewest = 15;
  /// Estimates of the reserve after the first one.
  static constexpr int kMostEstimates = 3;

  /// Asks the tasks, in all for at most `at_most` seconds; the sum of what they say.
  [[nodiscard]] double ask(double at_most);
  [[nodiscard]] bool estimate_is_due(double now) const;
  void estimate_again();
  [[nodiscard]] double training_end() const { return end_ - slowdown() * reserve_ - validation_; }

  double end_;
  std::function<double()> now_;
  std::vector<ClosingTask> tasks_;
  std::vector<double> answers_;  ///< Of each task, the last one.
  double reserve_ = 0;
  double start_ = 0;
  double progress_ = 0;
  double validation_ = 0;
  double expected_step_ = 0;
  double first_pace_ = 0;  ///< When the reserve was estimated.
  int estimates_ = 0;
  bool reserve_stays_ = false;
  std::array<Slice, kSlices> slices_{};  ///< A ring; the next one is at `finished_`.
  std::size_t finished_ = 0;
  Slice current_;
};

}  // namespace lapel::training
