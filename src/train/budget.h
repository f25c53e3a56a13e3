#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace lapel::training {

/// The seconds that a recipe's `time_budget` stands for: "60s", "1.5min", "2h"; 0 for an empty text.
/// Throws Error (kRecipe) without a place for any other text, and for a time that is not above 0.
[[nodiscard]] double budget_seconds(const std::string& text);

/// When a training has to be over, in seconds on the clock of the loop.
struct TimeLimit {
  double end = 0;      ///< When the process is to end.
  double reserve = 0;  ///< Seconds that what follows the training takes: evaluation and writing, measured beforehand.
  /// Measures the reserve once more, when the training is nearly over; may be empty.
  std::function<double()> measure_again = {};
};

/// Divides the time that is left. Knows no clock: the caller says what time it is.
///
/// A training ends at `end - reserve`. Where steps become slower than they were when the reserve was measured (another
/// process has come), the reserve grows in proportion, since what follows will be slower as well; it never shrinks
/// below what was measured. Shortly before the end it is to be measured again (`reserve_due`), since a guess from the
/// pace of steps is worth less than a look at what follows; and then it stays, since no pace of so short a rest is
/// worth more.
class Budget {
 public:
  /// `start`: when the training began.
  Budget(const TimeLimit& limit, double start) : limit_(limit), start_(start) {}

  /// The share of the training's time that has passed, in [0, 1]. Never falls.
  [[nodiscard]] double progress(double now);
  /// Whether a step, at the pace of the last ones, ends in time. The first one does where there is any time.
  [[nodiscard]] bool fits(double now) const;
  /// A step took so long.
  void step_done(double seconds);
  /// What a validation takes that will have to follow the last step.
  void set_validation(double seconds) { validation_ = seconds; }
  /// Whether it is time to measure the reserve again: no more training is left than the reserve is long, slowed down
  /// as the steps are. Where the measure then says that there is more left after all, once more later.
  [[nodiscard]] bool reserve_due(double now) const {
    return !reserve_stays_ && training_end() - now <= slowdown() * limit_.reserve;
  }
  /// The reserve as it was measured just now; where it is nearly what it was, it becomes the mean of both.
  void set_reserve(double seconds, double now);
  /// How many times slower the last steps were than when the reserve was measured; at least 1.
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
  /// The reserve is measured so often after the first time.
  static constexpr int kMostMeasures = 3;

  [[nodiscard]] double training_end() const { return limit_.end - slowdown() * limit_.reserve - validation_; }
  /// Seconds of a step.
  [[nodiscard]] double pace() const;

  TimeLimit limit_;
  double start_;
  double progress_ = 0;
  double validation_ = 0;
  double first_pace_ = 0;  ///< When the reserve was measured.
  int measures_ = 0;
  bool reserve_stays_ = false;
  std::array<Slice, kSlices> slices_{};  ///< A ring; the next one is at `finished_`.
  std::size_t finished_ = 0;
  Slice current_;
};

}  // namespace lapel::training
