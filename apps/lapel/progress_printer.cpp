#include "progress_printer.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>

#include "lapel/report.h"

namespace lapel::app {

namespace {

/// The first `columns` characters of UTF-8 text.
std::string clipped(std::string text, std::size_t columns) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins_character = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (begins_character && ++characters > columns) {
      text.resize(i);
    }
  }
  return text;
}

/// The end of an epoch's line, which a progress line does not have: ` - val_accuracy: 0.8801 - val_loss: 0.3312`.
std::string validation_part(const std::string& epoch_line) {
  const std::size_t begin = epoch_line.find(" - val_");
  return begin == std::string::npos ? std::string() : epoch_line.substr(begin);
}

}  // namespace

std::string epoch_in_words(const Progress& progress, std::int64_t epoch) {
  return progress.members > 1 ? fmt::format("member {} of {}, epoch {}", progress.member, progress.members, epoch)
                              : fmt::format("epoch {}", epoch);
}

void ProgressPrinter::redraw(const std::string& line) {
  output_.redraw(line);
  line_open_ = true;
}

void ProgressPrinter::on_begin(Training& training) {
  const Progress& progress = training.progress();
  last_ = progress;
  if (training.resumed()) {
    output_.print(fmt::format("Goes on in {}, after {} of its {} steps\n", epoch_in_words(progress, progress.epoch),
                              progress.step, progress.steps));
  }
}

void ProgressPrinter::on_step(Training& training) {
  constexpr std::chrono::milliseconds kInterval(50);
  const Progress& progress = training.progress();
  last_ = progress;
  const auto now = std::chrono::steady_clock::now();
  if (!output_.is_terminal() || (progress.step < progress.steps && now - drawn_ < kInterval)) {
    return;
  }
  drawn_ = now;
  if (titled_epoch_ != progress.epoch || titled_member_ != progress.member) {
    titled_epoch_ = progress.epoch;
    titled_member_ = progress.member;
    output_.print(fmt::format("{}\n", epoch_title(progress)));
  }
  redraw(clipped(progress_line(progress), output_.columns() - 1));
}

void ProgressPrinter::on_epoch(Training& training) {
  const EpochResult& result = training.history().back();
  const Progress& progress = training.progress();
  last_ = progress;
  if (!output_.is_terminal()) {
    output_.print(fmt::format("{}\n", epoch_line(result, progress)));
    return;
  }
  redraw(progress_line(progress) + validation_part(epoch_line(result, progress)));
  close();
}

void ProgressPrinter::close() {
  if (line_open_) {
    output_.print("\n");
    line_open_ = false;
  }
}

}  // namespace lapel::app
