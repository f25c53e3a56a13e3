#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lapel/report.h"
#include "report/text.h"

// Forms: Keras 3, keras/src/utils/progbar.py. A step's time is the mean of all steps; Keras leaves out the first,
// in which it compiles.
namespace lapel {

namespace {

constexpr std::int64_t kBarWidth = 20;

/// `12s`, `1:05`, `1:02:03`.
std::string time_left(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (seconds > 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60);
  }
  return seconds > 60 ? fmt::format("{}:{:02}", whole / 60, whole % 60) : fmt::format("{}s", whole);
}

/// `2s/step`, `3ms/step`, `85us/step`.
std::string step_time(double seconds) {
  if (seconds >= 1 || seconds == 0) {
    return fmt::format("{:.0f}s/step", seconds);
  }
  return seconds >= 1e-3 ? fmt::format("{:.0f}ms/step", seconds * 1e3) : fmt::format("{:.0f}us/step", seconds * 1e6);
}

double seconds_per_step(double seconds, std::int64_t steps) {
  return steps > 0 ? seconds / static_cast<double>(steps) : 0.0;
}

/// The steps done, as wide as their total: ` 120/1875`.
std::string step_count(const Progress& progress) {
  const std::size_t digits = fmt::formatted_size("{}", progress.steps);
  return fmt::format("{:>{}}/{}", progress.step, digits, progress.steps);
}

/// `Epoch 3/10`, or of an ensemble `Member 2/5 - Epoch 3/10`.
std::string title(std::int64_t epoch, const Progress& progress) {
  const std::string member =
      progress.members > 1 ? fmt::format("Member {}/{} - ", progress.member, progress.members) : std::string();
  return fmt::format("{}Epoch {}/{}", member, epoch, progress.epochs);
}

}  // namespace

std::string epoch_title(const Progress& progress) { return title(progress.epoch, progress); }

std::string epoch_line(const EpochResult& result, const Progress& progress) {
  std::string text =
      fmt::format("{} - {} - {:.0f}s - {} - accuracy: {} - loss: {}", title(result.epoch, progress),
                  step_count(progress), result.seconds, step_time(seconds_per_step(result.seconds, progress.step)),
                  report::metric(result.accuracy), report::metric(result.loss));
  if (result.val_accuracy) {
    text += fmt::format(" - val_accuracy: {}", report::metric(*result.val_accuracy));
  }
  if (result.val_loss) {
    text += fmt::format(" - val_loss: {}", report::metric(*result.val_loss));
  }
  return text;
}

std::string progress_line(const Progress& progress) {
  const double each = seconds_per_step(progress.seconds, progress.step);
  const bool done = progress.step >= progress.steps;
  const std::int64_t filled =
      progress.steps > 0 ? std::clamp(kBarWidth * progress.step / progress.steps, std::int64_t{0}, kBarWidth) : 0;
  const std::string bar = report::repeated("━", static_cast<std::size_t>(filled)) +
                          report::repeated("─", static_cast<std::size_t>(kBarWidth - filled));
  const std::string time = done ? fmt::format("{:.0f}s", progress.seconds)
                                : time_left(each * static_cast<double>(progress.steps - progress.step));
  return fmt::format("{} {} {} {} - accuracy: {} - loss: {}", step_count(progress), bar, time, step_time(each),
                     report::metric(progress.accuracy), report::metric(progress.loss));
}

}  // namespace lapel
