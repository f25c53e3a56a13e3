#include "base/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "lapel/error.h"

namespace lapel {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({change, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

std::string joined(const std::vector<std::string_view>& words, std::string_view last_word) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) {
      text += i + 1 == words.size() ? fmt::format(" {} ", last_word) : std::string(", ");
    }
    text += fmt::format("\"{}\"", words[i]);
  }
  return text;
}

/// Whether `value` is what the word of its rule stands for.
bool is_word(const OptionRule& rule, const OptionValue& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  const auto* number = std::get_if<double>(&value);
  return !rule.word.empty() && ((integer != nullptr && *integer == 0) || (number != nullptr && std::isnan(*number)));
}

std::string expected_type(const OptionRule& rule) {
  if (!rule.word.empty()) {
    return fmt::format("\"{}\" or {}", rule.word, rule.default_value.index() == 1 ? "an integer" : "a number");
  }
  if (rule.pair) {
    return "an integer or a list of two integers";
  }
  switch (rule.default_value.index()) {
    case 0:
      return "true or false";
    case 1:
      return "an integer";
    case 2:
      return "a number";
    case 4:
      return "a list of integers";
    case 5:
      return "a number or a list of two numbers";
    default:
      return "a text in quotes";
  }
}

[[noreturn]] void refuse(const OptionRule& rule, const OptionValue& given, const std::string& allowed) {
  throw Error(ErrorKind::kRecipe, {}, fmt::format("{} = {} is not allowed", rule.key, option_text(given)),
              {{"allowed", allowed}},
              rule.required ? std::string() : fmt::format("{} = {}", rule.key, option_text(rule, rule.default_value)));
}

void check_range(const OptionRule& rule, const OptionValue& given, double value) {
  const bool low = rule.min && (rule.above_min ? value <= *rule.min : value < *rule.min);
  const bool high = rule.max && (rule.below_max ? value >= *rule.max : value > *rule.max);
  if (low || high || !std::isfinite(value)) {
    refuse(rule, given, range_text(rule));
  }
}

/// `given` as a range; the same `given` where it is none.
OptionValue as_range(const OptionRule& rule, const OptionValue& given) {
  NumberRange range;
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&given)) {
    range.assign(integers->begin(), integers->end());
  } else if (const auto* numbers = std::get_if<NumberRange>(&given)) {
    range = *numbers;
  } else if (std::holds_alternative<std::int64_t>(given) || std::holds_alternative<double>(given)) {
    const double end = std::holds_alternative<double>(given) ? std::get<double>(given)
                                                             : static_cast<double>(std::get<std::int64_t>(given));
    range = {rule.symmetric && end != 0 ? -end : 0.0, end};
  } else {
    return given;
  }
  std::sort(range.begin(), range.end());
  return range;
}

bool right_length(const OptionRule& rule, const OptionValue& value) {
  if (const auto* range = std::get_if<NumberRange>(&value)) {
    const bool may_be_empty = !rule.required && std::get<NumberRange>(rule.default_value).empty();
    return range->size() == 2 || (range->empty() && may_be_empty);
  }
  return !rule.pair || std::get<std::vector<std::int64_t>>(value).size() == 2;
}

/// `given` in the type of the rule's default; the same `given` where it cannot be.
OptionValue converted(const OptionRule& rule, const OptionValue& given) {
  if (!rule.word.empty() && given == OptionValue(std::string(rule.word))) {
    return rule.default_value.index() == 1 ? OptionValue(std::int64_t{0})
                                           : OptionValue(std::numeric_limits<double>::quiet_NaN());
  }
  if (std::holds_alternative<double>(rule.default_value) && std::holds_alternative<std::int64_t>(given)) {
    return static_cast<double>(std::get<std::int64_t>(given));
  }
  if (rule.pair && std::holds_alternative<std::int64_t>(given)) {
    return std::vector<std::int64_t>(2, std::get<std::int64_t>(given));
  }
  if (std::holds_alternative<NumberRange>(rule.default_value)) {
    return as_range(rule, given);
  }
  return given;
}

}  // namespace

OptionValue checked_value(const OptionRule& rule, const OptionValue& given) {
  OptionValue value = converted(rule, given);
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
  if (value.index() != rule.default_value.index() || !right_length(rule, value)) {
    refuse(rule, given, expected_type(rule));
  }
  if (is_word(rule, value)) {
    return value;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    check_range(rule, given, static_cast<double>(*integer));
  } else if (const auto* number = std::get_if<double>(&value)) {
    check_range(rule, given, *number);
  } else if (list != nullptr) {
    for (const std::int64_t item : *list) {
      check_range(rule, given, static_cast<double>(item));
    }
  } else if (const auto* range = std::get_if<NumberRange>(&value)) {
    for (const double end : *range) {
      check_range(rule, given, end);
    }
  } else if (const auto* text = std::get_if<std::string>(&value);
             text != nullptr && !rule.choices.empty() &&
             std::find(rule.choices.begin(), rule.choices.end(), *text) == rule.choices.end()) {
    const std::string near = nearest_word(*text, rule.choices);
    throw Error(ErrorKind::kRecipe, {}, fmt::format("{} = \"{}\" is not allowed", rule.key, *text),
                {{"allowed", joined(rule.choices, "or")}},
                fmt::format("{} = {}", rule.key, near.empty() ? option_text(rule.default_value) : option_text(near)));
  }
  return value;
}

void check_keys(std::span<const OptionRule> rules, const OptionValues& given) {
  std::vector<std::string_view> known;
  for (const auto& rule : rules) {
    known.push_back(rule.key);
    if (rule.required && !given.contains(rule.key)) {
      throw Error(ErrorKind::kRecipe, {}, fmt::format("option \"{}\" is missing", rule.key), {},
                  fmt::format("{} = ...   ({})", rule.key, rule.help));
    }
  }
  for (const auto& [key, value] : given) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const std::string near = nearest_word(key, known);
      throw Error(ErrorKind::kRecipe, {}, fmt::format("unknown option \"{}\"", key),
                  {{"known", known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))}}, near);
    }
  }
}

std::string nearest_word(std::string_view word, std::span<const std::string_view> known) {
  std::string_view best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  const auto lower = [](std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
    return result;
  };
  for (const auto candidate : known) {
    const std::size_t distance = edit_distance(lower(word), lower(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  const std::size_t tolerated = std::max<std::size_t>(2, word.size() / 3);
  return best_distance <= tolerated ? std::string(best) : std::string();
}

std::string option_text(const OptionValue& value) {
  struct Text {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t integer) const { return fmt::format("{}", integer); }
    std::string operator()(double number) const {
      std::string text = fmt::format("{}", number);
      return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
    }
    std::string operator()(const std::vector<double>& list) const {
      std::string text;
      for (const double number : list) {
        text += (text.empty() ? "" : ", ") + Text{}(number);
      }
      return '[' + text + ']';
    }
    std::string operator()(const std::string& text) const {
      std::string quoted = "\"";
      for (const char c : text) {
        if (c == '"' || c == '\\') {
          quoted += '\\';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
          quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          quoted += c;
        }
      }
      return quoted + '"';
    }
    std::string operator()(const std::vector<std::int64_t>& list) const {
      return fmt::format("[{}]", fmt::join(list, ", "));
    }
  };
  return std::visit(Text{}, value);
}

std::string option_text(const OptionRule& rule, const OptionValue& value) {
  return is_word(rule, value) ? option_text(std::string(rule.word)) : option_text(value);
}

std::string range_text(const OptionRule& rule) {
  if (!rule.choices.empty()) {
    return joined(rule.choices, "or");
  }
  std::string text;
  if (rule.min) {
    text = fmt::format("{} {}", rule.above_min ? "above" : "at least", *rule.min);
  }
  if (rule.max) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", rule.below_max ? "below" : "at most", *rule.max);
  }
  return text;
}

}  // namespace lapel
