#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

std::string channel_text(std::int64_t channels) {
  const std::string_view meaning = channels == 1 ? " (grey)" : channels == 3 ? " (RGB)" : "";
  return report::counted(channels, "channel").append(meaning);
}

std::string split_line(const SplitDescription& split) {
  const auto [count, height, width, channels] = split.shape;
  return fmt::format("{}: {} of {} x {} pixels, {}, values {}-{}, mean {:.2f}, std {:.2f}\n", split.name,
                     report::counted(count, "picture"), height, width, channel_text(channels), split.min_pixel,
                     split.max_pixel, split.mean_pixel, split.std_pixel);
}

std::int64_t count_of(const SplitDescription& split, std::size_t label) {
  return label < split.class_counts.size() ? split.class_counts[label] : 0;
}

std::string share_text(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "" : fmt::format("{:.2f}", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string count_table(const DataDescription& description) {
  std::vector<std::string> header{"Label", "Class"};
  std::size_t classes = description.class_names.size();
  for (const auto& split : description.splits) {
    header.insert(header.end(), {split.name, split.name + " %"});
    classes = std::max(classes, split.class_counts.size());
  }
  std::vector<std::vector<std::string>> rows;
  for (std::size_t label = 0; label < classes; ++label) {
    rows.push_back({fmt::format("{}", label), report::class_name(description.class_names, label)});
    for (const auto& split : description.splits) {
      const std::int64_t total = std::accumulate(split.class_counts.begin(), split.class_counts.end(), std::int64_t{0});
      const std::int64_t count = count_of(split, label);
      rows.back().push_back(fmt::format("{}", count));
      rows.back().push_back(share_text(count, total));
    }
  }
  return grid_table(header, rows);
}

}  // namespace

std::string to_text(const DataDescription& description) {
  std::string text = fmt::format("{}, from {}\n", description.name, description.location.string());
  for (const auto& split : description.splits) {
    text += split_line(split);
  }
  text += to_text(description.findings);
  return text + "\n" + count_table(description);
}

}  // namespace lapel
