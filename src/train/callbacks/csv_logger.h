#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lapel/callback.h"

namespace lapel::training {

/// Keras's CSVLogger in the form of `history.csv` (docs/run-folder.md): a line for each epoch, the file whole at any
/// time. From the history alone, so that it has no state of its own.
class CsvLogger : public Callback {
 public:
  /// `earlier`: epochs before this training's, of members of an ensemble that are finished.
  CsvLogger(std::filesystem::path file, std::string separator, std::vector<EpochResult> earlier = {});

  void on_begin(Training& training) override { write(training); }
  void on_epoch(Training& training) override { write(training); }

 private:
  void write(const Training& training) const;

  std::filesystem::path file_;
  std::string separator_;
  std::vector<EpochResult> earlier_;
};

/// The `step,loss` of every step of this process, as `lapel train --loss-csv` wants it.
class StepLossCsv : public Callback {
 public:
  /// Writes the header, so that a wrong path costs no training. Throws Error (kIo).
  explicit StepLossCsv(std::filesystem::path file);

  void on_step(Training& training) override;
  void on_end(Training& training) override;

 private:
  std::filesystem::path file_;
  std::string text_ = "step,loss\n";
};

}  // namespace lapel::training
