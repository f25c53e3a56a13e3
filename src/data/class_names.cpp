#include "data/class_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <utility>

#include "base/limits.h"
#include "formats/bytes.h"
#include "formats/utf8.h"
#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel::data {

std::vector<std::string> read_class_names(const std::filesystem::path& file) {
  std::string text = formats::read_text_file(file, {kMostRecipeBytes});
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  std::vector<std::string> names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = formats::trimmed(rest.substr(0, end));
    const std::string place = fmt::format("{}:{}", file.string(), names.size() + 1);
    if (line.empty()) {
      throw Error(ErrorKind::kData, place, "the line is empty", {}, "one class name a line");
    }
    names.push_back(canonical_name(std::string(line), place));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (names.empty()) {
    throw Error(ErrorKind::kData, file.string(), "holds no class name", {}, "one class name a line");
  }
  check_different(names, file.string());
  return names;
}

std::string canonical_name(const std::string& name, const std::string& place) {
  if (!formats::is_utf8(name)) {
    throw Error(ErrorKind::kData, readable(place), fmt::format("the class name {} is not UTF-8", readable(name)), {},
                "another name; convmv -f cp437 -t utf8 --notest FOLDER renames what a zip file of Windows left");
  }
  if (formats::has_control_characters(name)) {
    throw Error(ErrorKind::kData, readable(place), "the class name has a line break or another control character",
                {{"name", readable(name)}}, "a name of one line");
  }
  std::string result = formats::composed(std::string(formats::trimmed(name)));
  if (result.empty()) {
    throw Error(ErrorKind::kData, place, "the class name is empty", {}, "a name for every class");
  }
  return result;
}

void check_different(const std::vector<std::string>& names, const std::string& place) {
  constexpr std::size_t kMost = std::size_t{std::numeric_limits<Label>::max()} + 1;
  if (names.size() > kMost) {
    throw Error(ErrorKind::kData, place, "holds more classes than labels can tell apart",
                {{"classes", fmt::format("{}", names.size())}, {"at most", fmt::format("{}", kMost)}},
                "a part of the classes");
  }
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto [at, fresh] = seen.emplace(names[i], i);
    if (!fresh) {
      throw Error(ErrorKind::kData, place, fmt::format("the class name \"{}\" is there twice", names[i]),
                  {{"classes", fmt::format("{} and {}, counted from 0", at->second, i)}},
                  "a name of its own for every class");
    }
  }
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = !text.empty() && result.ec == std::errc() && result.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

bool are_numbers(const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [](const std::string& name) { return number_of(name).has_value(); });
}

std::string readable(const std::string& name) {
  const bool text = formats::is_utf8(name);
  std::string result;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (!text && byte >= 0x80)) {
      result += c == '\n' ? "\\n" : fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace lapel::data
