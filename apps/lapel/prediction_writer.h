#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "lapel/picture_stream.h"
#include "lapel/report.h"
#include "output.h"
#include "whole_file.h"

namespace lapel::app {

/// What becomes of the answers of `lapel predict`, one by one.
struct PredictionTargets {
  std::string csv;      ///< File; `-`: standard output; empty: none.
  std::string jsonl;    ///< Likewise.
  std::string copy_to;  ///< Folder; empty: none.
  double min_confidence = 0;
  bool json = false;  ///< One document of all, at the end.
};

/// Writes answers in the order in which they come: as text, or into the files that were asked for.
class PredictionWriter {
 public:
  /// Throws Error (kUsage, kIo) where a file or folder cannot be made, or exists.
  PredictionWriter(PredictionTargets targets, Output& output);

  /// `row.ranked`: the classes to show, best first. `file`: the picture's own, to be copied; may be empty.
  void add(PredictionRow row, const std::filesystem::path& file);
  void add_unread(const UnreadPicture& unread);
  /// Ends what was begun, and says on standard error what could not be read. Returns whether all was.
  bool finish(const Findings& findings);

 private:
  void copy(const std::filesystem::path& file, const std::string& class_name);
  void write(WholeFile& file, const std::string& target, const std::string& line);

  PredictionTargets targets_;
  Output& output_;
  WholeFile csv_;
  WholeFile jsonl_;
  std::vector<PredictionRow> rows_;  ///< Of `json`.
  std::vector<UnreadPicture> unread_;
  std::size_t written_ = 0;
  std::size_t unsure_ = 0;
};

}  // namespace lapel::app
