#include "train/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string_view>
#include <system_error>

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

bool Budget::fits(double now) const { return steps_ == 0 ? now < training_end() : now + pace() <= training_end(); }

void Budget::step_done(double seconds) {
  paces_[steps_ % kMost] = seconds;
  ++steps_;
  if (first_pace_ == 0 && steps_ >= kFewest && (recent() < steps_ || steps_ == kMost)) {
    first_pace_ = pace();
  }
}

void Budget::set_reserve(double seconds) {
  limit_.reserve = seconds;
  measured_again_ = true;
  first_pace_ = steps_ > 0 ? pace() : 0;
}

double Budget::slowdown() const { return first_pace_ > 0 ? std::max(1.0, pace() / first_pace_) : 1.0; }

std::size_t Budget::recent() const {
  std::size_t count = 0;
  double seconds = 0;
  while (count < std::min(steps_, kMost) && (count < kFewest || seconds < kSeconds)) {
    ++count;
    seconds += paces_[(steps_ - count) % kMost];
  }
  return count;
}

/// The mean of the middle half of the last steps: beside another process steps are of two kinds, short and long, and a
/// median would jump from one to the other. Of less than four, the shorter one in the middle, for the first one makes
/// plans.
double Budget::pace() const {
  std::array<double, kMost> paces{};
  const std::size_t known = recent();
  for (std::size_t i = 0; i < known; ++i) {
    paces[i] = paces_[(steps_ - 1 - i) % kMost];
  }
  std::sort(paces.begin(), paces.begin() + static_cast<std::ptrdiff_t>(known));
  const std::size_t first = known < 4 ? (known - 1) / 2 : known / 4;
  const std::size_t count = known < 4 ? 1 : known - 2 * first;
  const auto begin = paces.begin() + static_cast<std::ptrdiff_t>(first);
  return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count), 0.0) / static_cast<double>(count);
}

}  // namespace lapel::training
