#include <algorithm>
#include <charconv>
#include <cstddef>

#include "lapel/report.h"
#include "report/text.h"

// Layout: Python's tabulate 0.10 with tablefmt="grid"; each column is at least two wider than its header.
namespace lapel {

namespace {

constexpr std::size_t kHeaderPadding = 2;

struct Column {
  std::size_t width = 0;
  bool numeric = false;
};

/// `1,234` without its commas; the text itself where they do not group thousands.
std::string without_grouping(std::string_view text) {
  const std::size_t end = std::min(text.find('.'), text.size());
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      plain += text[i];
    } else if (i == 0 || i >= end || (end - i) % 4 != 0) {
      return std::string(text);
    }
  }
  return plain;
}

bool is_number(std::string_view text) {
  const std::string plain = without_grouping(text);
  const char* const end = plain.data() + plain.size();
  const bool plus = plain.size() > 1 && plain[0] == '+' && plain[1] != '-';
  double value = 0;
  const auto [stop, error] = std::from_chars(plain.data() + (plus ? 1 : 0), end, value);
  return error == std::errc() && stop == end;
}

std::string_view cell(const std::vector<std::string>& row, std::size_t column) {
  return column < row.size() ? std::string_view{row[column]} : std::string_view{};
}

/// Numeric: every cell that is not empty is a number, and there is one.
Column measure(std::string_view header, std::span<const std::vector<std::string>> rows, std::size_t index) {
  Column column{report::text_width(header) + kHeaderPadding, false};
  bool words = false;
  for (const auto& row : rows) {
    const std::string_view text = cell(row, index);
    column.width = std::max(column.width, report::text_width(text));
    if (!text.empty()) {
      (is_number(text) ? column.numeric : words) = true;
    }
  }
  column.numeric = column.numeric && !words;
  return column;
}

std::string border(std::span<const Column> columns, char fill) {
  std::string line = "+";
  for (const Column& column : columns) {
    line.append(column.width + 2, fill).append("+");
  }
  return line + "\n";
}

std::string line_of(std::span<const Column> columns, const std::vector<std::string>& row) {
  std::string line = "|";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& [width, numeric] = columns[i];
    line.append(" ");
    line += numeric ? report::pad_left(cell(row, i), width) : report::pad_right(cell(row, i), width);
    line.append(" |");
  }
  return line + "\n";
}

}  // namespace

std::string grid_table(std::span<const std::string> header, std::span<const std::vector<std::string>> rows) {
  std::vector<Column> columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    columns.push_back(measure(header[i], rows, i));
  }
  std::string text = border(columns, '-') + line_of(columns, {header.begin(), header.end()}) + border(columns, '=');
  for (const auto& row : rows) {
    text += line_of(columns, row) + border(columns, '-');
  }
  return rows.empty() ? text + border(columns, '-') : text;
}

}  // namespace lapel
