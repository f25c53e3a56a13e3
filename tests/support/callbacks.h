#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "train/callbacks/callback_type.h"

/// Callbacks of every kind, and what they left.
namespace lapel::test {

/// One of this kind that has something to do in a few epochs of a few steps each.
[[nodiscard]] inline TypedSpec sample_callback(const training::TypeEntry& type) {
  const std::map<std::string_view, OptionValue> values = {{"filepath", "saved/{epoch}-{batch}.safetensors"},
                                                          {"filename", "log.csv"},
                                                          {"separator", ";"},
                                                          {"patience", std::int64_t{1}},
                                                          {"min_delta", 0.01},
                                                          {"factor", 0.5},
                                                          {"restore_best_weights", true},
                                                          {"save_freq", std::int64_t{2}},
                                                          {"update_freq", std::int64_t{2}}};
  TypedSpec spec{std::string(type.type), {}, {}};
  for (const auto& rule : type.rules) {
    if (const auto value = values.find(rule.key); value != values.end()) {
      spec.options.emplace(rule.key, value->second);
    }
  }
  return spec;
}

/// The records of an event file without their wall times and checksums.
[[nodiscard]] inline std::string without_times(const std::string& events) {
  constexpr std::size_t kHeader = 12;   // Length, its checksum.
  constexpr std::size_t kWallTime = 9;  // The first field of an event.
  constexpr std::size_t kChecksum = 4;
  std::string text;
  for (std::size_t at = 0; at + kHeader <= events.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, events.data() + at, sizeof(length));
    text += events.substr(at + kHeader + kWallTime, length - kWallTime) + '\n';
    at += kHeader + length + kChecksum;
  }
  return text;
}

/// A CSV file without the last cell of each line, which is how long something took.
[[nodiscard]] inline std::string without_seconds(const std::string& csv) {
  std::istringstream lines(csv);
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    text += line.substr(0, line.find_last_of(",;")) + '\n';
  }
  return text;
}

/// Every file under `folder` that is the same however often the training was stopped, by its path there.
[[nodiscard]] inline std::map<std::string, std::string> lasting_files(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = std::filesystem::relative(entry.path(), folder).string();
    if (!entry.is_regular_file() || name.starts_with("plots") || name == "metrics.json" || name == "report.txt") {
      continue;
    }
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    const bool events = name.find("tfevents") != std::string::npos;
    files[name] = events                   ? without_times(text.str())
                  : name.ends_with(".csv") ? without_seconds(text.str())
                                           : text.str();
  }
  return files;
}

}  // namespace lapel::test
