#include "train/deadline.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string_view>
#include <system_error>
#include <utility>

#include "lapel/error.h"

namespace lapel::training {

double budget_seconds(const std::string& text) {
  if (text.empty()) {
    return 0;
  }
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  const double each = unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : 0;
  if (problem != std::errc() || each == 0 || !(number > 0) || !std::isfinite(number)) {
    throw Error(ErrorKind::kRecipe, {}, fmt::format("time_budget = \"{}\" is not allowed", text),
                {{"allowed", "a number above 0 with s, min or h"}}, "time_budget = \"60s\"");
  }
  return number * each;
}

Deadline::Deadline(double end, std::function<double()> now, std::vector<ClosingTask> tasks)
    : end_(end), now_(std::move(now)), tasks_(std::move(tasks)), answers_(tasks_.size()) {}

double Deadline::ask(double at_most) {
  const double begin = now_();
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const double left = std::max(0.0, at_most - (now_() - begin));
    // One that cannot tell anew becomes as much slower as the steps did.
    answers_[i] = tasks_[i].estimate(left).value_or(slowdown() * answers_[i]);
  }
  return std::accumulate(answers_.begin(), answers_.end(), 0.0);
}

void Deadline::estimate() {
  constexpr double kShare = 0.01;
  reserve_ = ask(kShare * end_);
}

double Deadline::progress(double now) {
  const double length = training_end() - start_;
  const double share = length > 0 ? (now - start_) / length : 1;
  progress_ = std::clamp(share, progress_, 1.0);
  return progress_;
}

double Deadline::share_that_fits() {
  if (estimate_is_due(now_())) {
    estimate_again();
  }
  const double step = pace();
  const double left = training_end() - now_();
  return left <= 0 ? 0 : left >= step ? 1 : left / step;
}

void Deadline::step_done(double seconds) {
  current_.seconds += seconds;
  ++current_.steps;
  if (current_.seconds < kSliceSeconds) {
    return;
  }
  slices_[finished_ % kSlices] = std::exchange(current_, {});
  ++finished_;
  if (first_pace_ == 0 && finished_ >= kFewest) {
    first_pace_ = pace();
  }
}

bool Deadline::estimate_is_due(double now) const {
  return !tasks_.empty() && !reserve_stays_ && training_end() - now <= slowdown() * reserve_;
}

void Deadline::estimate_again() {
  constexpr double kShare = 0.003;
  constexpr double kAlike = 1.5;  // Estimates that differ less are taken to be of the same machine, and averaged.
  const double rest = std::max(0.0, training_end() - now_());
  const double seconds = ask(std::min(kShare * end_, rest / 2));
  const bool alike = seconds < kAlike * reserve_ && reserve_ < kAlike * seconds;
  reserve_ = alike ? (seconds + reserve_) / 2 : seconds;
  first_pace_ = finished_ > 0 ? pace() : 0;
  ++estimates_;
  const double left = end_ - reserve_ - validation_ - now_();
  reserve_stays_ = estimates_ == kMostEstimates || left <= reserve_;
}

double Deadline::slowdown() const {
  return first_pace_ > 0 && !reserve_stays_ ? std::max(1.0, pace() / first_pace_) : 1.0;
}

/// The mean of the middle half of the last slices: beside another process steps are of two kinds, short and long, and a
/// median would jump from one to the other. Of less than four, the shorter one in the middle, for the first one makes
/// plans.
double Deadline::pace() const {
  std::array<double, kSlices> paces{};
  const std::size_t known = std::min(finished_, kSlices);
  if (known == 0 && current_.steps == 0) {
    return expected_step_;
  }
  if (known == 0) {
    return current_.seconds / static_cast<double>(current_.steps);
  }
  std::transform(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(known), paces.begin(),
                 [](const Slice& slice) { return slice.seconds / static_cast<double>(slice.steps); });
  std::sort(paces.begin(), paces.begin() + static_cast<std::ptrdiff_t>(known));
  const std::size_t first = known < 4 ? (known - 1) / 2 : known / 4;
  const std::size_t count = known < 4 ? 1 : known - 2 * first;
  const auto begin = paces.begin() + static_cast<std::ptrdiff_t>(first);
  return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count), 0.0) / static_cast<double>(count);
}

}  // namespace lapel::training
