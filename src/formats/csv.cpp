#include "formats/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cmath>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

#include "base/threads.h"
#include "formats/bytes.h"
#include "formats/csv_columns.h"
#include "formats/utf8.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr int kLargestPixel = 255;
constexpr int kLargestLabel = 65535;

/// What has to be known of all rows before the values of one can be read.
struct CsvValues {
  bool label_words = false;  ///< Labels are words.
  bool fractions = false;    ///< Pixels have decimals.

  bool operator==(const CsvValues&) const = default;
};

/// Where a row stands: text, and the file and line for messages.
struct Row {
  std::string_view text;
  const std::string& file;
  std::int64_t line;

  [[nodiscard]] std::string place() const { return fmt::format("{}:{}", file, line); }
  [[noreturn]] void refuse(std::string problem, std::string hint = "a row a picture: label,pixel,pixel,...") const {
    throw Error(ErrorKind::kData, place(), std::move(problem), {}, std::move(hint));
  }
};

std::string_view without_return(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// The words of a value that is no number from 0 to `largest`.
[[noreturn]] void refuse_value(const Row& row, std::int64_t column, const std::string& value, bool label) {
  const bool integer = !value.empty() &&
                       value.find_first_not_of("0123456789", value[0] == '-' ? 1 : 0) == std::string_view::npos &&
                       value != "-";
  const bool negative = value.starts_with('-') && value.size() > 1;
  constexpr std::size_t kShown = 20;
  const std::string shown = fmt::format("{}{}", value.substr(0, kShown), value.size() > kShown ? "..." : "");
  const std::string_view what = label ? "label" : "pixel";
  const int largest = label ? kLargestLabel : kLargestPixel;
  row.refuse(integer || negative ? fmt::format("column {}: {} {} is not from 0 to {}", column, what, shown, largest)
                                 : fmt::format("column {}: \"{}\" is not a number", column, shown),
             label ? "labels as numbers or words, none of them empty" : "pixels from 0 to 255, or from 0 to 1");
}

/// Without blanks and quotes around it; two quotes within are one.
std::string unquoted(std::string_view cell) {
  cell = trimmed(cell);
  if (cell.size() < 2 || cell.front() != '"' || cell.back() != '"') {
    return std::string(cell);
  }
  cell = cell.substr(1, cell.size() - 2);
  std::string text;
  for (std::size_t at = 0; at < cell.size(); ++at) {
    text += cell[at];
    at += cell.substr(at, 2) == "\"\"" ? 1 : 0;
  }
  return text;
}

/// The number in a cell that is no plain run of digits: `12.0`, `1e2`, in quotes or among blanks.
std::optional<double> number_of(std::string_view cell) {
  cell = trimmed(cell);
  if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"') {
    cell = trimmed(cell.substr(1, cell.size() - 2));
  }
  double value = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = !cell.empty() && result.ec == std::errc() && result.ptr == cell.data() + cell.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// Reads the rows of one file once, as values of the kind that it is told; notes where they are of another.
class RowReader {
 public:
  RowReader(const CsvColumns& columns, CsvValues values) : columns_(columns), values_(values) {}

  /// What the rows turned out to be.
  [[nodiscard]] CsvValues found() const {
    return {values_.label_words || found_words_, values_.fractions || found_fractions_};
  }

  void read(const Row& row, std::uint16_t* label, std::string* word, std::uint8_t* pixels, float* fractions) {
    std::string_view rest = row.text;
    if (std::count(rest.begin(), rest.end(), columns_.separator) + 1 !=
            static_cast<std::ptrdiff_t>(columns_.roles.size()) ||
        rest.find('"') != std::string_view::npos) {
      read_cells(row, label, word, pixels, fractions);
      return;
    }
    std::int64_t column = 0;
    for (const CsvRole role : columns_.roles) {
      ++column;
      if (role == CsvRole::kPixel && fractions == nullptr) {
        // Nearly all cells of nearly all files are a few digits.
        int value = 0;
        std::size_t digits = 0;
        while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9' && value <= kLargestPixel) {
          value = value * 10 + (rest[digits++] - '0');
        }
        if (digits > 0 && value <= kLargestPixel && (digits == rest.size() || rest[digits] == columns_.separator)) {
          *pixels++ = static_cast<std::uint8_t>(value);
          rest.remove_prefix(std::min(digits + 1, rest.size()));
          continue;
        }
      }
      const std::string_view cell = rest.substr(0, rest.find(columns_.separator));
      rest.remove_prefix(std::min(cell.size() + 1, rest.size()));
      take(row, column, cell, role, label, word, pixels, fractions);
    }
  }

 private:
  /// A row with quotes, or with another number of values than there are columns.
  void read_cells(const Row& row, std::uint16_t* label, std::string* word, std::uint8_t* pixels, float* fractions) {
    const auto cells = csv_cells(row.text, columns_.separator, row.place());
    if (cells.size() != columns_.roles.size()) {
      row.refuse(fmt::format("{} values, {} are wanted", cells.size(), columns_.roles.size()));
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      take(row, static_cast<std::int64_t>(i) + 1, cells[i], columns_.roles[i], label, word, pixels, fractions);
    }
  }

  void take(const Row& row, std::int64_t column, std::string_view cell, CsvRole role, std::uint16_t* label,
            std::string* word, std::uint8_t*& pixels, float*& fractions) {
    if (role == CsvRole::kPassedOver) {
      return;
    }
    if (role == CsvRole::kLabel) {
      take_label(row, column, cell, label, word);
      return;
    }
    const auto value = number_of(cell);
    if (!value || *value < 0 || *value > kLargestPixel) {
      refuse_value(row, column, std::string(trimmed(cell)), false);
    }
    if (fractions != nullptr) {
      *fractions++ = static_cast<float>(*value);
    } else {
      found_fractions_ = found_fractions_ || *value != std::floor(*value);
      *pixels++ = static_cast<std::uint8_t>(*value);
    }
  }

  void take_label(const Row& row, std::int64_t column, std::string_view cell, std::uint16_t* label, std::string* word) {
    if (values_.label_words) {
      *word = unquoted(cell);
      if (word->empty()) {
        refuse_value(row, column, *word, true);
      }
      return;
    }
    const auto value = number_of(cell);
    if (!value) {
      found_words_ = true;
      if (trimmed(cell).empty()) {
        refuse_value(row, column, {}, true);
      }
      return;
    }
    if (*value < 0 || *value > kLargestLabel || *value != std::floor(*value)) {
      refuse_value(row, column, std::string(trimmed(cell)), true);
    }
    *label = static_cast<std::uint16_t>(*value);
  }

  const CsvColumns& columns_;
  CsvValues values_;
  std::atomic<bool> found_words_ = false;
  std::atomic<bool> found_fractions_ = false;
};

/// Byte positions of a part of the text that begins with a line, and how many lines and rows come before it.
struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t lines_before = 0;
  std::int64_t rows_before = 0;
};

/// Calls `each` with every line of a part, without its end.
template <class F>
void each_line(std::string_view text, const F& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(without_return(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// A text in parts that threads can read, with the numbers of its lines and of those that are not empty.
struct Divided {
  std::vector<Part> parts;
  std::int64_t lines = 0;
  std::int64_t rows = 0;
};

Divided divide(std::string_view text, std::size_t begin) {
  constexpr std::size_t kPartBytes = std::size_t{1} << 21U;
  Divided result;
  while (begin < text.size()) {
    const std::size_t cut = text.find('\n', std::min(begin + kPartBytes, text.size()));
    const std::size_t end = cut == std::string_view::npos ? text.size() : cut + 1;
    result.parts.push_back({begin, end});
    begin = end;
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> counts(result.parts.size());
  parallel_for(static_cast<std::int64_t>(counts.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      const Part& part = result.parts[i];
      each_line(text.substr(part.begin, part.end - part.begin), [&](std::string_view line) {
        ++counts[i].first;
        counts[i].second += trimmed(line).empty() ? 0 : 1;
      });
    }
  });
  for (std::size_t i = 0; i < counts.size(); ++i) {
    result.parts[i].lines_before = result.lines;
    result.parts[i].rows_before = result.rows;
    result.lines += counts[i].first;
    result.rows += counts[i].second;
  }
  return result;
}

/// The first lines that are not empty, from which the columns are told.
std::vector<std::string_view> first_lines(std::string_view text) {
  constexpr std::size_t kMost = 2000;
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < kMost) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const std::string_view line = without_return(text.substr(0, end)); !trimmed(line).empty()) {
      lines.push_back(line);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Pixels of 0 to 255 from numbers that are all at most 1, or have decimals.
void take_fractions(CsvPictures& pictures, const std::vector<float>& numbers) {
  const float largest = numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end());
  const float scale = largest <= 1 ? static_cast<float>(kLargestPixel) : 1.0F;
  std::transform(numbers.begin(), numbers.end(), pictures.pixels.begin(),
                 [&](float number) { return static_cast<std::uint8_t>(std::lround(number * scale)); });
  add_remark(pictures.findings, FindingKind::kTaken,
             largest <= 1 ? "pixels from 0 to 1 are multiplied by 255" : "pixels with decimals are rounded");
}

/// Black and white as 0 and 1.
void stretch_ones(CsvPictures& pictures) {
  const auto& all = pictures.pixels;
  const bool more = std::any_of(all.begin(), all.end(), [](std::uint8_t pixel) { return pixel > 1; });
  if (!more && std::find(all.begin(), all.end(), 1) != all.end()) {
    for (std::uint8_t& pixel : pictures.pixels) {
      pixel = static_cast<std::uint8_t>(pixel * kLargestPixel);
    }
    add_remark(pictures.findings, FindingKind::kTaken, "pixels of 0 and 1 are multiplied by 255");
  }
}

/// Numbers for words, in the order of the words' bytes.
void number_words(CsvPictures& pictures, const std::vector<std::string>& words, const std::string& name) {
  const std::set<std::string> distinct(words.begin(), words.end());
  constexpr std::size_t kMostWords = std::size_t{kLargestLabel} + 1;
  if (distinct.size() > kMostWords) {
    throw Error(ErrorKind::kData, name, "holds more classes than labels can tell apart",
                {{"classes", fmt::format("{}", distinct.size())}, {"at most", fmt::format("{}", kMostWords)}},
                "a part of the classes");
  }
  pictures.label_words.assign(distinct.begin(), distinct.end());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto found = std::lower_bound(pictures.label_words.begin(), pictures.label_words.end(), words[i]);
    pictures.labels[i] = static_cast<std::uint16_t>(found - pictures.label_words.begin());
  }
}

void check_text(const std::string& text, const std::filesystem::path& file) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || text.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kData, file.string(), "is no text of UTF-8: it has bytes of UTF-16, or is no text at all",
                {}, "the table saved as CSV in UTF-8");
  }
}

/// Throws Error (kData) for the first row with another number of values than there are columns. Where rows times pixels
/// are more than the text has bytes, there is one: a pixel takes a byte and what divides it from the next one.
void refuse_short_row(std::string_view text, const std::string& file, std::int64_t line, const CsvColumns& columns) {
  each_line(text, [&](std::string_view row_text) {
    ++line;
    const Row row{row_text, file, line};
    const std::size_t cells =
        trimmed(row_text).empty() ? columns.roles.size() : csv_cells(row_text, columns.separator, row.place()).size();
    if (cells != columns.roles.size()) {
      row.refuse(fmt::format("{} values, {} are wanted", cells, columns.roles.size()));
    }
  });
}

/// The text of a file, without what some programs put before it.
std::string read_text(const std::filesystem::path& file) {
  std::string text = read_text_file(file, {.look = [&](auto first, auto /*size*/) {
                                      check_text({first.begin(), first.end()}, file);
                                    }});
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  check_text(text, file);
  if (text.find('\n') == std::string::npos && text.find('\r') != std::string::npos) {
    std::replace(text.begin(), text.end(), '\r', '\n');  // As old Macintosh programs end lines.
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

}  // namespace

bool has_csv_ending(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<std::string_view, 4> kEndings = {".csv", ".csv.gz", ".tsv", ".tsv.gz"};
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

CsvPictures read_csv(const std::filesystem::path& file) {
  const std::string name = file.string();
  const std::string content = read_text(file);
  const std::string_view text = content;
  const auto lines = first_lines(text);
  if (lines.empty()) {
    throw Error(ErrorKind::kData, name, "the file is empty", {}, "a row a picture: label,pixel,pixel,...");
  }
  const auto line_of = [&](std::string_view row) { return std::count(text.data(), row.data(), '\n') + 1; };
  CsvPictures result;
  const CsvColumns columns =
      find_csv_columns(lines, fmt::format("{}:{}", name, line_of(lines.front())), result.findings);
  if (columns.header && lines.size() < 2) {
    throw Error(ErrorKind::kData, name, "holds no row with a picture", {}, "a row a picture: label,pixel,pixel,...");
  }
  const std::string_view first_row = lines[columns.header ? 1 : 0];
  const std::int64_t before = line_of(first_row) - 1;
  const Divided divided = divide(text, static_cast<std::size_t>(first_row.data() - text.data()));
  if (const std::int64_t empty = divided.lines - divided.rows + before - (columns.header ? 1 : 0); empty > 0) {
    add_finding(result.findings, FindingKind::kLeftOut, "empty lines", {}, empty);
  }
  result.height = columns.height;
  result.width = columns.width;
  result.channels = columns.channels;
  result.first_line = divided.rows == divided.lines ? before + 1 : 0;
  const auto rows = static_cast<std::size_t>(divided.rows);
  const auto size = static_cast<std::size_t>(columns.size());
  if (rows * size > text.size()) {
    refuse_short_row(text.substr(static_cast<std::size_t>(first_row.data() - text.data())), name, before, columns);
  }
  result.labels.resize(columns.label < 0 ? 0 : rows);
  result.pixels.resize(rows * size);
  std::vector<std::string> words;
  std::vector<float> numbers;
  CsvValues values;
  for (bool again = true; again;) {
    RowReader reader(columns, values);
    words.resize(values.label_words ? rows : 0);
    numbers.resize(values.fractions ? rows * size : 0);
    parallel_for(static_cast<std::int64_t>(divided.parts.size()), 1, [&](std::int64_t from, std::int64_t to) {
      for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); ++i) {
        const Part& part = divided.parts[i];
        auto row = static_cast<std::size_t>(part.rows_before);
        std::int64_t line = before + part.lines_before;
        each_line(text.substr(part.begin, part.end - part.begin), [&](std::string_view line_text) {
          ++line;
          if (!trimmed(line_text).empty()) {
            reader.read({line_text, name, line}, result.labels.empty() ? nullptr : &result.labels[row],
                        words.empty() ? nullptr : &words[row], result.pixels.data() + row * size,
                        numbers.empty() ? nullptr : numbers.data() + row * size);
            ++row;
          }
        });
      }
    });
    again = reader.found() != values;
    values = reader.found();
  }
  values.fractions ? take_fractions(result, numbers) : stretch_ones(result);
  if (values.label_words) {
    number_words(result, words, name);
  }
  return result;
}

void write_csv(const std::filesystem::path& file, const CsvPictures& pictures) {
  const std::int64_t size = pictures.height * pictures.width * pictures.channels;
  const bool kaggle = pictures.height == pictures.width && pictures.channels == 1;
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "label");
  for (std::int64_t i = 0; i < size; ++i) {
    if (kaggle) {
      fmt::format_to(std::back_inserter(text), ",pixel{}", i + 1);
    } else {
      fmt::format_to(std::back_inserter(text), ",pixel_{}_{}_{}", i / pictures.channels / pictures.width,
                     i / pictures.channels % pictures.width, i % pictures.channels);
    }
  }
  const std::uint8_t* pixel = pictures.pixels.data();
  for (const std::uint16_t label : pictures.labels) {
    fmt::format_to(std::back_inserter(text), "\n{}", label);
    for (std::int64_t i = 0; i < size; ++i) {
      text.push_back(',');
      const fmt::format_int digits(*pixel++);
      text.append(digits.data(), digits.data() + digits.size());
    }
  }
  text.push_back('\n');
  write_text_file(file, {text.data(), text.size()});
}

}  // namespace lapel::formats
