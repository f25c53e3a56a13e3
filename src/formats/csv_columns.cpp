#include "formats/csv_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/limits.h"
#include "base/shape.h"
#include "formats/utf8.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

using Cells = std::vector<std::string>;

// In the order in which they are taken where there are several.
constexpr std::array<std::string_view, 12> kLabelNames = {"label",  "labels",  "class",      "classes",
                                                          "target", "targets", "class_name", "category",
                                                          "y",      "digit",   "letter",     "emotion"};
constexpr std::array<std::string_view, 12> kIndexNames = {
    "", "id", "index", "idx", "imageid", "image_id", "row", "unnamed: 0", "rowname", "rownames", "no", "nr"};

[[noreturn]] void refuse(const std::string& place, std::string problem, std::string hint) {
  throw Error(ErrorKind::kData, place, std::move(problem), {}, std::move(hint));
}

template <std::size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::optional<double> number_of(const std::string& cell) {
  double value = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = !cell.empty() && result.ec == std::errc() && result.ptr == cell.data() + cell.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool has_digit(const std::string& name) {
  return std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Whether the cells from `first` on count up by one from 0 or 1, as the names of a table without names do.
bool counts_up(const Cells& cells, std::size_t first, std::size_t least) {
  if (cells.size() < first + least) {
    return false;
  }
  const auto begin = number_of(cells[first]);
  for (std::size_t i = first; i < cells.size(); ++i) {
    if (!begin || (*begin != 0 && *begin != 1) || number_of(cells[i]) != *begin + static_cast<double>(i - first)) {
      return false;
    }
  }
  return true;
}

bool is_header(const Cells& cells) {
  constexpr std::size_t kLeastNamed = 4;   // Beside a name.
  constexpr std::size_t kLeastAlone = 10;  // Of numbers alone, which might be a picture.
  const auto words = static_cast<std::size_t>(
      std::count_if(cells.begin(), cells.end(), [](const std::string& cell) { return !number_of(cell); }));
  const bool named = std::any_of(cells.begin(), cells.end(), [](const std::string& cell) {
    return is_one_of(kLabelNames, lower(cell)) && !number_of(cell);
  });
  return named || 2 * words > cells.size() || counts_up(cells, 0, kLeastAlone) ||
         (words > 0 && counts_up(cells, 1, kLeastNamed));
}

/// The layout that the name of the last pixel tells, `pixel_27_31_2`; nothing in other names.
std::array<std::int64_t, 3> shape_of_name(std::string_view name) {
  constexpr std::string_view kBegin = "pixel_";
  std::array<std::int64_t, 3> last{};
  if (!name.starts_with(kBegin)) {
    return {};
  }
  const char* at = name.data() + kBegin.size();
  const char* const end = name.data() + name.size();
  for (std::size_t i = 0; i < last.size(); ++i) {
    const auto result = std::from_chars(at, end, last.at(i));
    const bool closed = i + 1 < last.size() ? result.ptr != end && *result.ptr == '_' : result.ptr == end;
    if (result.ec != std::errc() || !closed || last.at(i) < 0 ||
        last.at(i) == std::numeric_limits<std::int64_t>::max()) {
      return {};
    }
    at = result.ptr + 1;
  }
  return {last[0] + 1, last[1] + 1, last[2] + 1};
}

std::int64_t root_of(std::int64_t number) {
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(number))));
  return number > 0 && side * side == number ? side : 0;
}

/// What the values of a column without a name look like.
struct ColumnLook {
  bool words = false;        ///< Most values are no numbers.
  bool like_labels = false;  ///< Whole numbers without a gap, each several times.
  bool unlike_labels = false;
  bool counts_rows = false;  ///< 0, 1, 2, ... or 1, 2, 3, ...
  std::size_t distinct = 0;
};

class ColumnFinder {
 public:
  ColumnFinder(const std::vector<std::string_view>& lines, std::string place, Findings& findings)
      : lines_(lines), place_(std::move(place)), findings_(findings) {
    columns_.separator = separator_of(lines.front());
    first_ = checked_cells(lines.front());
    columns_.header = is_header(first_);
  }

  CsvColumns find() {
    if (first_.size() < 2) {
      refuse(place_, "the line has no comma", "a row a picture: label,pixel,pixel,...");
    }
    columns_.roles.assign(first_.size(), CsvRole::kPixel);
    columns_.header ? by_names() : by_values();
    take_shape();
    return columns_;
  }

 private:
  /// From so many cells it is clear what the columns hold.
  static constexpr std::size_t kMostCells = 2'000'000;

  [[nodiscard]] Cells checked_cells(std::string_view line) const {
    const auto columns = std::count(line.begin(), line.end(), columns_.separator) + 1;
    if (columns > kMostColumns) {
      refuse(place_, fmt::format("a line has {} values, more than {}", columns, kMostColumns), "smaller pictures");
    }
    return csv_cells(line, columns_.separator, place_);
  }

  /// What stands between the values: a semicolon may have decimal commas beside it.
  static char separator_of(std::string_view line) {
    std::map<char, std::size_t> counts;
    bool quoted = false;
    for (const char c : line) {
      quoted = c == '"' ? !quoted : quoted;
      ++counts[quoted ? '"' : c];
    }
    if (2 * counts[';'] >= counts[','] && counts[';'] > 0) {
      return ';';
    }
    for (const char c : {'\t', '|'}) {
      if (counts[c] > counts[',']) {
        return c;
      }
    }
    return ',';
  }

  void remark(std::string words) { add_remark(findings_, FindingKind::kTaken, std::move(words)); }

  void pass_over(std::size_t column) {
    columns_.roles[column] = CsvRole::kPassedOver;
    const std::string name = columns_.header ? fmt::format("\"{}\"", first_[column]) : fmt::format("{}", column + 1);
    add_finding(findings_, FindingKind::kLeftOut, "columns that are no pixels", fmt::format("column {}", name));
  }

  void set_label(std::size_t column) {
    columns_.label = static_cast<std::int64_t>(column);
    columns_.roles[column] = CsvRole::kLabel;
  }

  [[nodiscard]] std::int64_t pixels() const {
    return std::count(columns_.roles.begin(), columns_.roles.end(), CsvRole::kPixel);
  }

  [[nodiscard]] std::array<std::int64_t, 3> named_shape() const {
    for (std::size_t i = first_.size(); columns_.header && i-- > 0;) {
      if (columns_.roles[i] == CsvRole::kPixel) {
        return shape_of_name(first_[i]);
      }
    }
    return {};
  }

  void by_names() {
    Cells names;
    for (const std::string& cell : first_) {
      names.push_back(lower(cell));
    }
    if (std::all_of(names.begin(), names.end(), [](const std::string& name) { return number_of(name).has_value(); })) {
      remark("the first line counts the columns: it is taken for a header");
      by_values();
      return;
    }
    for (const std::string_view wanted : kLabelNames) {
      const auto found = std::find(names.begin(), names.end(), wanted);
      if (found != names.end()) {
        set_label(static_cast<std::size_t>(found - names.begin()));
        break;
      }
    }
    // Pixels are numbered in one way or another; where no name has a number, all are pixels that are not the labels.
    const bool numbered = std::any_of(names.begin(), names.end(), has_digit);
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (columns_.roles[i] == CsvRole::kLabel) {
        continue;
      }
      if (is_one_of(kIndexNames, names[i])) {
        pass_over(i);
      } else if (numbered && !has_digit(names[i])) {
        others.push_back(i);
      }
    }
    if (columns_.label < 0 && !numbered) {
      others.push_back(0);
    }
    if (columns_.label < 0 && others.size() == 1) {
      remark(fmt::format("column \"{}\" is taken for the labels", first_[others.front()]));
      set_label(others.front());
      return;
    }
    if (columns_.label < 0 && others.size() > 1) {
      refuse(place_, fmt::format("no column is named label, and {} others are no pixels", others.size()),
             "label as the name of the column that holds the labels");
    }
    for (const std::size_t column : others) {
      pass_over(column);
    }
    if (columns_.label < 0 && root_of(pixels()) == 0 && named_shape()[0] == 0) {
      by_values();
    }
  }

  [[nodiscard]] ColumnLook look_at(std::size_t column) const {
    constexpr std::size_t kFewRows = 20;
    ColumnLook look;
    std::map<double, std::int64_t> counts;
    std::set<std::string> words;
    std::size_t without_number = 0;
    const auto first =
        rows_.empty() || column >= rows_.front().size() ? std::nullopt : number_of(rows_.front()[column]);
    const double base = first.value_or(-1);
    look.counts_rows = rows_.size() > 2 && first.has_value();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const auto value = column < rows_[i].size() ? number_of(rows_[i][column]) : std::nullopt;
      if (!value) {
        words.insert(column < rows_[i].size() ? rows_[i][column] : std::string());
        ++without_number;
        look.counts_rows = false;
        continue;
      }
      ++counts[*value];
      look.counts_rows = look.counts_rows && (base == 0 || base == 1) && value == base + static_cast<double>(i);
    }
    look.words = 2 * without_number > rows_.size();
    look.distinct = counts.size() + words.size();
    const bool enough = rows_.size() >= kFewRows && !counts.empty();
    const bool whole =
        std::all_of(counts.begin(), counts.end(), [](const auto& one) { return one.first == std::floor(one.first); });
    const bool several = std::all_of(counts.begin(), counts.end(), [](const auto& one) { return one.second > 1; });
    const double span = counts.empty() ? 0 : counts.rbegin()->first - counts.begin()->first + 1;
    look.like_labels = enough && words.empty() && whole && several && look.distinct > 1 &&
                       span == static_cast<double>(look.distinct) && counts.begin()->first >= 0;
    look.unlike_labels = enough && (!whole || look.distinct == 1 || 2 * look.distinct > rows_.size());
    return look;
  }

  [[nodiscard]] bool is_empty(std::size_t column) const {
    return columns_.roles[column] == CsvRole::kPixel && first_[column].empty() &&
           std::all_of(rows_.begin(), rows_.end(),
                       [&](const Cells& row) { return column < row.size() && row[column].empty(); });
  }

  /// Which column holds the labels, where none is named.
  void by_values() {
    std::size_t cells = 0;
    for (std::size_t i = columns_.header ? 1 : 0; i < lines_.size() && (cells < kMostCells || rows_.size() < 3); ++i) {
      rows_.push_back(checked_cells(lines_[i]));
      cells += rows_.back().size();
    }
    std::vector<std::size_t> words;
    for (std::size_t i = 0; i < first_.size(); ++i) {
      if (is_empty(i)) {  // A comma at the end of each line.
        pass_over(i);
      } else if (columns_.roles[i] == CsvRole::kPixel && look_at(i).words) {
        words.push_back(i);
      }
    }
    std::size_t begin = 0;
    const std::int64_t left = pixels();
    if (words.empty() && root_of(left) == 0 && root_of(left - 1) == 0 && root_of(left - 2) > 0 &&
        look_at(0).counts_rows) {
      pass_over(0);
      begin = 1;
    }
    if (!words.empty()) {
      const auto fewest = std::min_element(words.begin(), words.end(), [&](std::size_t a, std::size_t b) {
        return look_at(a).distinct < look_at(b).distinct;
      });
      const bool one = words.size() == 1;
      if (one || rows_.size() > 2) {
        label_without_name(*fewest);
        for (const std::size_t column : words) {
          if (column != *fewest) {
            pass_over(column);
          }
        }
        return;
      }
    }
    if (root_of(pixels()) > 0 || rows_.empty()) {
      return;  // Pictures without labels.
    }
    const auto last = std::find(columns_.roles.rbegin(), columns_.roles.rend(), CsvRole::kPixel);
    choose_end(begin, static_cast<std::size_t>(columns_.roles.rend() - last) - 1);
  }

  void label_without_name(std::size_t column) {
    if (column != 0) {
      remark(fmt::format("column {} is taken for the labels", column + 1));
    }
    set_label(column);
  }

  /// The first or the last column: the first is where people put labels, unless the values say otherwise.
  void choose_end(std::size_t first, std::size_t last) {
    const ColumnLook at_first = look_at(first);
    const ColumnLook at_last = look_at(last);
    if (at_last.like_labels && at_first.unlike_labels) {
      label_without_name(last);
      return;
    }
    if (at_last.like_labels) {
      refuse(place_,
             fmt::format("the labels may be in column {} or in column {}: both hold whole numbers without a gap",
                         first + 1, last + 1),
             "a first line that names the columns: label, pixel1, pixel2, ...");
    }
    label_without_name(first);
  }

  void take_shape() {
    const std::int64_t count = pixels();
    if (count == 0) {
      refuse(place_, "no column holds pixels", "a row a picture: label,pixel,pixel,...");
    }
    const auto [height, width, channels] = named_shape();
    const std::int64_t named = product_of({height, width, channels});
    if (named != 0 && named != count) {
      refuse(place_,
             fmt::format("the last pixel's name is of {} x {} x {} pixels, but {} columns hold some", height, width,
                         channels, count),
             "a header that ends in the row, column and channel of the last pixel, as pixel_27_27_0");
    }
    if (named == count) {
      columns_.height = height;
      columns_.width = width;
      columns_.channels = channels;
      return;
    }
    columns_.height = columns_.width = root_of(count);
    if (columns_.height == 0) {
      refuse(place_, fmt::format("{} columns of pixels are no square picture", count),
             "a header that ends in the row, column and channel of the last pixel, as pixel_27_27_0");
    }
  }

  const std::vector<std::string_view>& lines_;
  std::string place_;
  Findings& findings_;
  CsvColumns columns_;
  Cells first_;
  std::vector<Cells> rows_;  ///< Of the lines, where names do not tell the columns.
};

}  // namespace

std::vector<std::string> csv_cells(std::string_view line, char separator, const std::string& place) {
  Cells cells;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    std::string cell;
    if (!line.starts_with('"')) {
      const std::size_t end = std::min(line.find(separator), line.size());
      cell = trimmed(line.substr(0, end));
      line.remove_prefix(end);
    } else {
      line.remove_prefix(1);
      while (true) {
        const std::size_t quote = line.find('"');
        if (quote == std::string_view::npos) {
          refuse(place, "a value begins with a quote that does not end on its line", "each row on one line");
        }
        cell += line.substr(0, quote);
        line.remove_prefix(quote + 1);
        if (!line.starts_with('"')) {
          break;
        }
        cell += '"';
        line.remove_prefix(1);
      }
      line.remove_prefix(std::min(line.find(separator), line.size()));
    }
    cells.push_back(std::move(cell));
    if (line.empty()) {
      return cells;
    }
    line.remove_prefix(1);
  }
}

CsvColumns find_csv_columns(const std::vector<std::string_view>& lines, const std::string& place, Findings& findings) {
  return ColumnFinder(lines, place, findings).find();
}

}  // namespace lapel::formats
