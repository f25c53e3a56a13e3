#include <fmt/format.h>

#include <algorithm>
#include <functional>
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

/// Every class; of many, those with the most training pictures, then those with the fewest.
std::vector<std::size_t> shown_classes(const DataDescription& description, std::size_t classes) {
  constexpr std::ptrdiff_t kOfEachEnd = 10;
  std::vector<std::size_t> shown(classes);
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (classes > kMostClassesShown && !description.splits.empty()) {
    std::ranges::stable_sort(shown, std::greater<>(),
                             [&](std::size_t label) { return count_of(description.splits.front(), label); });
    shown.erase(shown.begin() + kOfEachEnd, shown.end() - kOfEachEnd);
  }
  return shown;
}

std::string count_table(const DataDescription& description) {
  std::vector<std::string> header{"Label", "Class"};
  std::size_t classes = description.class_names.size();
  for (const auto& split : description.splits) {
    header.insert(header.end(), {split.name, split.name + " %"});
    classes = std::max(classes, split.class_counts.size());
  }
  std::vector<std::int64_t> totals;
  for (const auto& split : description.splits) {
    totals.push_back(std::accumulate(split.class_counts.begin(), split.class_counts.end(), std::int64_t{0}));
  }
  const std::vector<std::size_t> shown = shown_classes(description, classes);
  std::vector<std::vector<std::string>> rows;
  for (const std::size_t label : shown) {
    rows.push_back({fmt::format("{}", label), report::class_name(description.class_names, label)});
    for (std::size_t i = 0; i < totals.size(); ++i) {
      const std::int64_t count = count_of(description.splits[i], label);
      rows.back().push_back(fmt::format("{}", count));
      rows.back().push_back(share_text(count, totals[i]));
    }
  }
  const std::string title = shown.size() == classes ? std::string()
                                                    : fmt::format("The largest and the smallest of {} classes:\n",
                                                                  report::grouped(std::ssize(description.class_names)));
  return title + grid_table(header, rows);
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
