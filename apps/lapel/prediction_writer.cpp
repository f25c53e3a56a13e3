#include "prediction_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include "lapel/error.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnsure = "unsure";
constexpr std::string_view kStandardOutput = "-";

std::string csv_cell(std::string text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2)) {
    text.insert(at, 1, '"');
  }
  return '"' + text + '"';
}

/// A document as one line.
std::string one_line(std::string json) {
  std::string line;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    quoted = c == '"' && (i == 0 || json[i - 1] != '\\') ? !quoted : quoted;
    if (!quoted && (c == '\n' || (c == ' ' && (line.empty() || line.back() == ' ' || json[i - 1] == '\n')))) {
      continue;
    }
    line += c;
  }
  return line;
}

void open_file(WholeFile& stream, const std::string& file) {
  if (!file.empty() && file != kStandardOutput) {
    refuse_unread_pipe(file);
    stream.open(file);
  }
}

}  // namespace

PredictionWriter::PredictionWriter(PredictionTargets targets, Output& output)
    : targets_(std::move(targets)), output_(output) {
  open_file(csv_, targets_.csv);
  open_file(jsonl_, targets_.jsonl);
  if (!targets_.csv.empty()) {
    write(csv_, targets_.csv, "input,class,probability,problem\n");
  }
}

void PredictionWriter::write(WholeFile& file, const std::string& target, const std::string& line) {
  if (target == kStandardOutput) {
    output_.print(line);
    return;
  }
  file.write(line);
}

void PredictionWriter::add(PredictionRow row, const fs::path& file) {
  const ClassProbability best = row.ranked.front();
  const bool unsure = best.probability < targets_.min_confidence;
  const std::string name = unsure ? std::string(kUnsure) : best.name;
  unsure_ += unsure ? 1 : 0;
  ++written_;
  if (!targets_.copy_to.empty()) {
    copy(file, name);
  }
  if (!targets_.csv.empty()) {
    write(csv_, targets_.csv, fmt::format("{},{},{:.6f},\n", csv_cell(row.input), csv_cell(name), best.probability));
  }
  if (unsure) {
    row.input += " (unsure)";
  }
  if (!targets_.jsonl.empty()) {
    std::string line = one_line(to_json(std::span(&row, 1)));
    // The document is a list of one.
    line = line.substr(1, line.size() - 2);
    write(jsonl_, targets_.jsonl, line + "\n");
  }
  if (targets_.json) {
    rows_.push_back(std::move(row));
  } else if (targets_.csv.empty() && targets_.jsonl.empty()) {
    output_.print(to_text(std::span(&row, 1)));
  }
}

void PredictionWriter::add_unread(const UnreadPicture& unread) {
  if (!targets_.csv.empty()) {
    write(csv_, targets_.csv, fmt::format("{},,,{}\n", csv_cell(unread.name), csv_cell(unread.problem)));
  }
  unread_.push_back(unread);
}

/// A copy in the folder of its class, under its own name, or that with a number where it is taken.
void PredictionWriter::copy(const fs::path& file, const std::string& class_name) {
  if (file.empty()) {
    throw Error(ErrorKind::kUsage, "--copy-to", "only pictures that are files of their own can be copied", {},
                "the archive unpacked");
  }
  std::string name = class_name;
  std::replace(name.begin(), name.end(), '/', '_');
  if (name == "." || name == "..") {
    name.insert(0, 1, '_');  // Not a folder outside.
  }
  const fs::path folder = fs::path(targets_.copy_to) / name;
  std::error_code failure;
  fs::create_directories(folder, failure);
  fs::path to = folder / file.filename();
  for (int number = 2; !failure && fs::exists(to, failure); ++number) {
    to = folder / fmt::format("{}-{}{}", file.stem().string(), number, file.extension().string());
  }
  failure.clear();
  if (!fs::copy_file(file, to, failure)) {
    throw Error(ErrorKind::kIo, to.string(), "cannot be written: " + failure.message(), {},
                "another folder, or more space");
  }
}

bool PredictionWriter::finish(const Findings& findings) {
  csv_.finish();
  jsonl_.finish();
  if (targets_.json) {
    output_.print(to_json(rows_));
  } else if (!targets_.csv.empty() || !targets_.jsonl.empty()) {
    const std::string& file = targets_.csv.empty() ? targets_.jsonl : targets_.csv;
    if (file != kStandardOutput) {
      output_.print(fmt::format("{}: {} pictures{}\n", file, written_,
                                unsure_ > 0 ? fmt::format(", {} of them unsure", unsure_) : std::string()));
    }
  }
  std::string words = targets_.json ? std::string() : to_text(findings);
  for (const UnreadPicture& one : unread_) {
    words += fmt::format("not read: {}: {}\n", one.name, one.problem);
  }
  if (!unread_.empty()) {
    words += fmt::format("{} of {} pictures could not be read\n", unread_.size(), unread_.size() + written_);
  }
  std::fputs(visible(words).c_str(), stderr);
  return unread_.empty();
}

}  // namespace lapel::app
