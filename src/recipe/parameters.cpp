#include "recipe/parameters.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "lapel/error.h"

namespace lapel::recipe {

namespace {

constexpr std::size_t kLongestText = 1000;

bool is_word_character(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return letter || (!first && c >= '0' && c <= '9');
}

/// A parameter in a text: from its brace to behind the other one.
struct Braces {
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] bool found() const { return end > begin; }
  [[nodiscard]] std::string word(std::string_view text) const {
    return std::string(text.substr(begin + 1, end - begin - 2));
  }
};

/// The first parameter at `from` or behind it. Braces around anything but a word are plain characters.
Braces next_parameter(std::string_view text, std::size_t from) {
  for (std::size_t begin = text.find('{', from); begin != std::string_view::npos; begin = text.find('{', begin + 1)) {
    std::size_t end = begin + 1;
    while (end < text.size() && is_word_character(text[end], end == begin + 1)) {
      ++end;
    }
    if (end > begin + 1 && end < text.size() && text[end] == '}') {
      return {begin, end + 1};
    }
  }
  return {};
}

std::string text_within(const std::string& parameter, const TomlValue& value) {
  if (const std::string* text = value.text()) {
    return *text;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value.content)) {
    return fmt::format("{}", *integer);
  }
  throw Error(ErrorKind::kRecipe, {}, fmt::format("{} = {} cannot stand within a text", parameter, toml_text(value)),
              {{"allowed", "a text or an integer"}});
}

TomlValue filled_text(const TomlValue& value, const ParameterValue& value_of) {
  const std::string& text = *value.text();
  Braces braces = next_parameter(text, 0);
  if (braces.found() && braces.begin == 0 && braces.end == text.size()) {
    return value_of(braces.word(text));
  }
  std::string result;
  std::size_t done = 0;
  for (; braces.found(); braces = next_parameter(text, done)) {
    const std::string word = braces.word(text);
    result += text.substr(done, braces.begin - done) + text_within(word, value_of(word));
    done = braces.end;
  }
  result += text.substr(done);
  if (done > 0 && result.size() > kLongestText) {
    throw Error(ErrorKind::kRecipe, {}, fmt::format("\"{}\" becomes a text of {} characters", text, result.size()),
                {{"allowed", fmt::format("at most {}", kLongestText)}});
  }
  return {std::move(result), value.line};
}

}  // namespace

void collect_parameters(const TomlValue& value, std::set<std::string, std::less<>>& parameters) {
  if (const std::string* text = value.text()) {
    for (Braces braces = next_parameter(*text, 0); braces.found(); braces = next_parameter(*text, braces.end)) {
      parameters.insert(braces.word(*text));
    }
  } else if (const TomlList* list = value.list()) {
    for (const auto& item : *list) {
      collect_parameters(item, parameters);
    }
  } else if (const TomlTable* table = value.table()) {
    for (const auto& entry : *table) {
      collect_parameters(entry.value, parameters);
    }
  }
}

TomlValue filled(const TomlValue& value, const ParameterValue& value_of) {
  if (value.text() != nullptr) {
    return filled_text(value, value_of);
  }
  const TomlList* list = value.list();
  if (list == nullptr) {
    return value;
  }
  TomlList result;
  for (const auto& item : *list) {
    result.push_back(filled(item, value_of));
    // Lists within lists would grow with every block that they go through.
    if (item.text() != nullptr && result.back().list() != nullptr) {
      throw Error(ErrorKind::kRecipe, {}, fmt::format("{} is a list and cannot stand within a list", *item.text()));
    }
  }
  return {std::move(result), value.line};
}

}  // namespace lapel::recipe
