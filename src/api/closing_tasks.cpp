#include "api/closing_tasks.h"

#include <algorithm>
#include <vector>

#include "api/seconds_of.h"
#include "model/views.h"

namespace lapel {

namespace {

/// A batch of another size is looked at three times: for its plan, and to measure.
constexpr double kLooks = 3;

}  // namespace

std::int64_t EvaluationCost::batch() const { return std::min(pictures_.count, Classifier::Impl::kPredictBatch); }

NetworkPool::Loan EvaluationCost::network() const { return classifier_.networks->take(batch()); }

double EvaluationCost::seconds_of_batch(std::int64_t count) const {
  std::vector<float> answers(static_cast<std::size_t>(count * classifier_.classes()));
  return seconds_of([&] { network()->predict(pictures_.pixels.data(), 0, count, count, answers); });
}

std::int64_t EvaluationCost::first_count(double at_most) const {
  constexpr double kSlowMachine = 2e10;  // Floating-point operations a second.
  const double flop = static_cast<double>(network()->planned(batch(), false).flop());
  const double affordable = kSlowMachine * at_most / kLooks * static_cast<double>(batch()) / std::max(1.0, flop);
  return static_cast<std::int64_t>(std::clamp(affordable, 1.0, static_cast<double>(batch())));
}

double EvaluationCost::measure_first(double at_most) {
  count_ = first_count(at_most);
  double spent = 0;
  while (true) {
    const double first = seconds_of_batch(count_);
    const double each = seconds_of_batch(count_);
    plan_seconds_ = std::max(0.0, first - each);
    spent += first + each;
    const double affordable = (at_most - spent) / (kLooks * each) * static_cast<double>(count_);
    if (count_ == batch() || affordable < static_cast<double>(2 * count_)) {
      return each;
    }
    count_ = static_cast<std::int64_t>(std::min(affordable, static_cast<double>(batch())));
  }
}

bool EvaluationCost::measure(double at_most) {
  constexpr double kLongEnough = 0.1;  // To see what another process costs, whose turns are some milliseconds.
  const bool known = count_ > 0;
  if (known && static_cast<double>(count_) * seconds_of_picture_ > at_most) {
    return false;
  }
  const double each = known ? seconds_of_batch(count_) : measure_first(at_most);
  double sum = each;
  int looks = 1;
  while (sum < std::min(kLongEnough, at_most - each)) {
    sum += seconds_of_batch(count_);
    ++looks;
  }
  seconds_of_picture_ = sum / (looks * static_cast<double>(count_));
  return true;
}

double EvaluationCost::seconds(std::span<const EvaluatedPart> parts) const {
  double seconds = 0;
  for (const EvaluatedPart& part : parts) {
    const auto views = static_cast<double>(model::views_of(part.test_time_augmentation).size());
    seconds += static_cast<double>(part.count) * views * seconds_of_picture_;
    // The last batch of each part is smaller, and needs a plan of its own.
    seconds += part.count % batch() == 0 ? 0 : plan_seconds_;
  }
  return seconds;
}

double EvaluationCost::seconds_of_flop() const {
  const double flop = static_cast<double>(network()->planned(count_, false).flop()) / static_cast<double>(count_);
  return flop > 0 ? seconds_of_picture_ / flop : 0;
}

}  // namespace lapel
