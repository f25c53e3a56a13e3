#pragma once

#include <chrono>

#include "lapel/train.h"
#include "output.h"

namespace lapel::app {

/// `epoch 3`, of an ensemble `member 2 of 5, epoch 3`.
[[nodiscard]] std::string epoch_in_words(const Progress& progress, std::int64_t epoch);

/// Shows a training as it goes: on a terminal a progress bar that is redrawn, else one line an epoch.
class ProgressPrinter : public Callback {
 public:
  explicit ProgressPrinter(Output& output) : output_(output) {}

  void on_begin(Training& training) override;
  void on_step(Training& training) override;
  void on_epoch(Training& training) override;
  /// Ends the line of an epoch that was cut short.
  void close();

  /// What was heard last.
  [[nodiscard]] const Progress& last() const { return last_; }

 private:
  void redraw(const std::string& line);

  Output& output_;
  Progress last_;
  std::int64_t titled_epoch_ = 0;   ///< The last epoch whose title line is printed.
  std::int64_t titled_member_ = 0;  ///< And whose it is.
  bool line_open_ = false;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace lapel::app
