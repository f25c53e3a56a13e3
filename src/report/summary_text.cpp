#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "lapel/report.h"
#include "report/text.h"

// Layout: Keras 3, keras/src/utils/summary_utils.py, printed where there is no terminal (80 columns): a table of
// the Python package rich (box "HEAVY_HEAD", lines between rows), whose columns keep their widths and whose cells
// are wrapped at spaces and cut with an ellipsis.
namespace lapel {

namespace {

using report::first_characters;
using report::text_width;

constexpr std::int64_t kBytesPerParameter = 4;

struct SummaryColumn {
  std::string_view title;
  std::size_t width = 0;  ///< Between the two spaces of padding.
  bool right = false;
};

constexpr std::array<SummaryColumn, 3> kSequentialColumns{
    {{"Layer (type)", 31}, {"Output Shape", 22}, {"Param #", 13, true}}};
constexpr std::array<SummaryColumn, 4> kGraphColumns{
    {{"Layer (type)", 19}, {"Output Shape", 17}, {"Param #", 10, true}, {"Connected to", 17}}};

using Row = std::vector<std::string>;

std::string memory_size(std::int64_t parameters) {
  constexpr std::array<std::string_view, 6> kUnits{"B", "KB", "MB", "GB", "TB", "PB"};
  auto size = static_cast<double>(parameters * kBytesPerParameter);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return fmt::format("{:.2f} {}", size, kUnits[unit]);
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

/// Where `text` is broken into lines: rich's divide_line without folding.
std::vector<std::size_t> line_breaks(std::string_view text, std::size_t width) {
  std::vector<std::size_t> breaks;
  std::size_t used = 0;
  for (std::size_t start = 0; start < text.size();) {
    std::size_t end = start;
    while (end < text.size() && is_space(text[end])) {
      ++end;
    }
    while (end < text.size() && !is_space(text[end])) {
      ++end;
    }
    while (end < text.size() && is_space(text[end])) {
      ++end;
    }
    const std::string_view word = text.substr(start, end - start);
    const std::size_t length = text_width(trimmed_end(word));
    if (used + length <= width) {
      used += text_width(word);
    } else {
      if (start > 0) {
        breaks.push_back(start);
      }
      used = text_width(word);
    }
    start = end;
  }
  return breaks;
}

std::vector<std::string> wrapped(std::string_view text, const SummaryColumn& column) {
  std::vector<std::size_t> ends = line_breaks(text, column.width);
  ends.push_back(text.size());
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (const std::size_t end : ends) {
    std::string_view line = trimmed_end(text.substr(start, end - start));
    std::string cut(line);
    if (text_width(line) > column.width) {
      cut = std::string(first_characters(line, column.width - 1)) + "…";
    }
    lines.push_back(column.right ? report::pad_left(cut, column.width) : report::pad_right(cut, column.width));
    start = end;
  }
  return lines;
}

std::string rule(std::span<const SummaryColumn> columns, std::string_view left, std::string_view line,
                 std::string_view between, std::string_view right) {
  std::string text(left);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text.append(i == 0 ? std::string_view() : between).append(report::repeated(line, columns[i].width + 2));
  }
  return text.append(right).append("\n");
}

std::string table_row(std::span<const SummaryColumn> columns, const Row& row, std::string_view bar) {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    cells.push_back(wrapped(row[i], columns[i]));
    height = std::max(height, cells.back().size());
  }
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      text.append(bar).append(" ");
      text += line < cells[i].size() ? cells[i][line] : std::string(columns[i].width, ' ');
      text += " ";
    }
    text.append(bar).append("\n");
  }
  return text;
}

std::string table(std::span<const SummaryColumn> columns, std::span<const Row> rows) {
  Row header;
  for (const SummaryColumn& column : columns) {
    header.emplace_back(column.title);
  }
  std::string text = rule(columns, "┏", "━", "┳", "┓") + table_row(columns, header, "┃");
  text += rule(columns, "┡", "━", "╇", "┩");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i > 0) {
      text += rule(columns, "├", "─", "┼", "┤");
    }
    text += table_row(columns, rows[i], "│");
  }
  return text + rule(columns, "└", "─", "┴", "┘");
}

std::string connections(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    text += fmt::format("{}{}[0][0]", text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "-" : text;
}

std::string total_line(std::string_view title, std::int64_t parameters) {
  return fmt::format(" {}: {} ({})\n", title, report::grouped(parameters), memory_size(parameters));
}

}  // namespace

std::string to_text(const Summary& summary) {
  std::vector<Row> rows;
  for (const SummaryRow& row : summary.rows) {
    rows.push_back({fmt::format("{} ({})", row.name, row.type), row.output_shape, report::grouped(row.parameters)});
    if (!summary.sequential) {
      rows.back().push_back(connections(row.connected_to));
    }
  }
  std::string text = fmt::format("Model: \"{}\"\n", summary.name);
  text += summary.sequential ? table(kSequentialColumns, rows) : table(kGraphColumns, rows);
  text += total_line("Total params", summary.trainable + summary.non_trainable);
  text += total_line("Trainable params", summary.trainable);
  return text + total_line("Non-trainable params", summary.non_trainable);
}

}  // namespace lapel
