#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lapel::report {

namespace {

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

}  // namespace

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_character(text[i]) && ++seen > count) {
      return text.substr(0, i);
    }
  }
  return text;
}

std::string shortened(std::string_view text, std::size_t most) {
  return text_width(text) <= most ? std::string(text) : std::string(first_characters(text, most - 1)) + "…";
}

std::string pad_right(std::string_view text, std::size_t width) {
  const std::size_t length = text_width(text);
  return std::string(text).append(width - std::min(width, length), ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
  const std::size_t length = text_width(text);
  return std::string(width - std::min(width, length), ' ').append(text);
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  result.reserve(text.size() * count);
  for (std::size_t i = 0; i < count; ++i) {
    result += text;
  }
  return result;
}

std::string grouped(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string metric(double value) {
  return std::abs(value) > 1e-3 ? fmt::format("{:.4f}", value) : fmt::format("{:.4e}", value);
}

std::string class_name(std::span<const std::string> names, std::size_t label) {
  return label < names.size() ? names[label] : fmt::format("{}", label);
}

}  // namespace lapel::report
