#include "formats/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "base/threads.h"
#include "formats/bytes.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr std::int64_t kMostColumns = 4096LL * 4096 * 3;
constexpr int kLargestPixel = 255;
constexpr int kLargestLabel = 65535;

/// Where a row stands: text, and the file and line for messages.
struct Row {
  std::string_view text;
  const std::string& file;
  std::int64_t line;

  [[noreturn]] void refuse(std::string problem, std::string hint = "a row a picture: label,pixel,pixel,...") const {
    throw Error(ErrorKind::kData, fmt::format("{}:{}", file, line), std::move(problem), {}, std::move(hint));
  }
};

std::string_view without_return(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// The words of a value that is no number from 0 to `largest`.
[[noreturn]] void refuse_value(const Row& row, std::int64_t column, int largest) {
  std::string_view rest = row.text;
  for (std::int64_t i = 1; i < column; ++i) {
    rest.remove_prefix(std::min(rest.find(',') + 1, rest.size()));
  }
  const std::string_view value = rest.substr(0, rest.find(','));
  const bool integer = !value.empty() &&
                       value.find_first_not_of("0123456789", value[0] == '-' ? 1 : 0) == std::string_view::npos &&
                       value != "-";
  constexpr std::size_t kShown = 20;
  const std::string shown = fmt::format("{}{}", value.substr(0, kShown), value.size() > kShown ? "..." : "");
  const std::string_view what = column == 1 ? "label" : "pixel";
  row.refuse(integer ? fmt::format("column {}: {} {} is not from 0 to {}", column, what, shown, largest)
                     : fmt::format("column {}: \"{}\" is not a whole number", column, shown),
             column == 1 ? "labels as numbers, counted from 0; their names in class_names.txt"
                         : "pixels as whole numbers from 0 to 255");
}

/// Reads digits up to a comma or the end, and steps over the comma. -1 where they are no number up to `largest`.
int read_number(const char*& at, const char* end, int largest) {
  int value = 0;
  const char* const begin = at;
  while (at != end && *at >= '0' && *at <= '9' && value <= largest) {
    value = value * 10 + (*at - '0');
    ++at;
  }
  if (at == begin || value > largest || (at != end && *at != ',')) {
    return -1;
  }
  at += at == end ? 0 : 1;
  return value;
}

/// One row of `count` pixels.
void read_row(const Row& row, std::int64_t count, std::uint16_t& label, std::uint8_t* pixels) {
  const char* at = row.text.data();
  const char* const end = at + row.text.size();
  const auto check_columns = [&] {
    const auto columns = std::count(row.text.begin(), row.text.end(), ',') + 1;
    if (row.text.empty() || columns != count + 1) {
      row.refuse(row.text.empty() ? fmt::format("the line is empty, {} values are wanted", count + 1)
                                  : fmt::format("{} values, {} are wanted", columns, count + 1));
    }
  };
  const int number = read_number(at, end, kLargestLabel);
  if (number < 0) {
    check_columns();
    refuse_value(row, 1, kLargestLabel);
  }
  label = static_cast<std::uint16_t>(number);
  for (std::int64_t i = 0; i < count; ++i) {
    const int pixel = read_number(at, end, kLargestPixel);
    if (pixel < 0) {
      check_columns();
      refuse_value(row, i + 2, kLargestPixel);
    }
    pixels[i] = static_cast<std::uint8_t>(pixel);
  }
  if (at != end || row.text.ends_with(',')) {
    check_columns();
  }
}

struct Layout {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  [[nodiscard]] std::int64_t size() const { return height * width * channels; }
};

/// The layout that the name of the last column tells, `pixel_27_31_2`; nothing in other names.
Layout layout_of_name(std::string_view name) {
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
    if (result.ec != std::errc() || !closed || last.at(i) < 0 || last.at(i) >= kMostColumns) {
      return {};
    }
    at = result.ptr + 1;
  }
  return {last[0] + 1, last[1] + 1, last[2] + 1};
}

/// What the first line, a header or a row, says of the pictures.
Layout layout_of(const Row& first, bool header) {
  const std::int64_t pixels = std::count(first.text.begin(), first.text.end(), ',');
  if (header) {
    if (const Layout named = layout_of_name(first.text.substr(first.text.rfind(',') + 1)); named.size() == pixels) {
      return named;
    }
  }
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(pixels))));
  if (pixels < 1) {
    first.refuse("the line has no comma");
  }
  if (side * side != pixels) {
    first.refuse(fmt::format("{} columns of pixels are no square picture", pixels),
                 "a header that ends in the row, column and channel of the last pixel, as pixel_27_27_0");
  }
  return {side, side, 1};
}

/// Byte positions at which lines begin, and how many lines come before: one entry a part of the text.
struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t lines_before = 0;
};

std::vector<Part> divide(std::string_view text, std::size_t begin) {
  constexpr std::size_t kPartBytes = std::size_t{1} << 21U;
  std::vector<Part> parts;
  while (begin < text.size()) {
    const std::size_t cut = text.find('\n', std::min(begin + kPartBytes, text.size()));
    const std::size_t end = cut == std::string_view::npos ? text.size() : cut + 1;
    parts.push_back({begin, end, 0});
    begin = end;
  }
  std::vector<std::int64_t> lines(parts.size());
  parallel_for(static_cast<std::int64_t>(parts.size()), 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      lines[i] = std::count(text.data() + parts[i].begin, text.data() + parts[i].end, '\n');
    }
  });
  for (std::size_t i = 1; i < parts.size(); ++i) {
    parts[i].lines_before = parts[i - 1].lines_before + lines[i - 1];
  }
  return parts;
}

}  // namespace

CsvPictures read_csv(const std::filesystem::path& file) {
  const std::string name = file.string();
  const std::string content = read_text_file(file);
  std::string_view text = content;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  text = text.substr(0, text.find_last_not_of("\r\n") + 1);
  const std::size_t first_end = std::min(text.find('\n'), text.size());
  const Row first{without_return(text.substr(0, first_end)), name, 1};
  const bool header = !first.text.empty() && (first.text[0] < '0' || first.text[0] > '9') && first.text[0] != '-';
  if (text.empty() || (header && first_end == text.size())) {
    throw Error(ErrorKind::kData, name, text.empty() ? "the file is empty" : "holds no row with a picture", {},
                "a row a picture: label,pixel,pixel,...");
  }
  const Layout layout = layout_of(first, header);
  const std::size_t begin = header ? first_end + 1 : 0;
  const auto parts = divide(text, begin);
  const std::int64_t rows = std::count(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), '\n') + 1;
  CsvPictures result{layout.height, layout.width, layout.channels, {}, {}, header ? 2 : 1};
  result.labels.resize(static_cast<std::size_t>(rows));
  result.pixels.resize(static_cast<std::size_t>(rows * layout.size()));
  parallel_for(static_cast<std::int64_t>(parts.size()), 1, [&](std::int64_t from, std::int64_t to) {
    for (auto i = static_cast<std::size_t>(from); i < static_cast<std::size_t>(to); ++i) {
      std::int64_t index = parts[i].lines_before;
      std::string_view rest = text.substr(parts[i].begin, parts[i].end - parts[i].begin);
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        read_row({without_return(rest.substr(0, end)), name, index + result.first_line}, layout.size(),
                 result.labels[static_cast<std::size_t>(index)], result.pixels.data() + index * layout.size());
        rest.remove_prefix(std::min(end + 1, rest.size()));
        ++index;
      }
    }
  });
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
