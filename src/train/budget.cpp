#include "train/budget.h"

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

double Budget::progress(double now) {
  const double length = training_end() - start_;
  const double share = length > 0 ? (now - start_) / length : 1;
  progress_ = std::clamp(share, progress_, 1.0);
  return progress_;
}

bool Budget::fits(double now) const {
  const bool stepped = finished_ > 0 || current_.steps > 0;
  return stepped ? now + pace() <= training_end() : now < training_end();
}

void Budget::step_done(double seconds) {
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

void Budget::set_reserve(double seconds, double now) {
  constexpr double kAlike = 1.5;  // Measures that differ less are taken to be of the same machine.
  const bool alike = seconds < kAlike * limit_.reserve && limit_.reserve < kAlike * seconds;
  limit_.reserve = alike ? (seconds + limit_.reserve) / 2 : seconds;
  first_pace_ = finished_ > 0 ? pace() : 0;
  ++measures_;
  const double left = limit_.end - limit_.reserve - validation_ - now;
  reserve_stays_ = measures_ == kMostMeasures || left <= limit_.reserve;
}

double Budget::slowdown() const {
  return first_pace_ > 0 && !reserve_stays_ ? std::max(1.0, pace() / first_pace_) : 1.0;
}

/// The mean of the middle half of the last slices: beside another process steps are of two kinds, short and long, and a
/// median would jump from one to the other. Of less than four, the shorter one in the middle, for the first one makes
/// plans.
double Budget::pace() const {
  std::array<double, kSlices> paces{};
  const std::size_t known = std::min(finished_, kSlices);
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
