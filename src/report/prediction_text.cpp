#include <fmt/format.h>

#include <algorithm>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

std::string single_line(const PredictionRow& row) {
  std::string text = row.input + ":";
  if (!row.ranked.empty()) {
    const ClassProbability& best = row.ranked.front();
    text += fmt::format(" {} {:.4f} ({:.2f}%)", best.name, best.probability, 100 * best.probability);
  }
  return text + (row.actual.empty() ? "\n" : fmt::format(", actual: {}\n", row.actual));
}

std::string list(const PredictionRow& row) {
  std::size_t width = 0;
  for (const auto& item : row.ranked) {
    width = std::max(width, report::text_width(item.name));
  }
  const std::size_t digits = fmt::formatted_size("{}", row.ranked.size());
  std::string text = row.input + (row.actual.empty() ? ":\n" : fmt::format(", actual: {}\n", row.actual));
  std::size_t place = 0;
  for (const auto& [label, name, probability] : row.ranked) {
    text += fmt::format("  {:>{}}. {}  {:.4f} ({:.2f}%)\n", ++place, digits, report::pad_right(name, width),
                        probability, 100 * probability);
  }
  return text;
}

}  // namespace

std::string to_text(std::span<const PredictionRow> rows) {
  std::string text;
  for (const PredictionRow& row : rows) {
    text += row.ranked.size() > 1 ? list(row) : single_line(row);
  }
  return text;
}

}  // namespace lapel
