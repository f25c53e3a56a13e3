#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lapel/recipe.h"

namespace lapel {

/// A height and a width; written as one integer or as a list of two, as Keras takes them.
using IntPair = std::array<std::int64_t, 2>;

/// A lower and an upper end, in this order; written as a list of two numbers, or as one (Option::symmetric), as Keras
/// takes them. Empty, for "not given", only where that is the default.
using NumberRange = std::vector<double>;

/// One option of a thing with options `T`: the single place from which the reader, the writer, the help and
/// the documents are made.
template <class T>
struct Option {
  std::string_view key;
  std::variant<bool T::*, std::int64_t T::*, double T::*, std::string T::*, IntPair T::*,
               std::vector<std::int64_t> T::*, NumberRange T::*>
      member;
  std::string_view help;
  std::optional<double> min = {};  ///< Smallest value allowed; of numbers only.
  std::optional<double> max = {};  ///< Largest value allowed.
  bool above_min = false;          ///< `min` itself is not allowed.
  bool below_max = false;          ///< `max` itself is not allowed.
  bool required = false;
  std::vector<std::string_view> choices = {};  ///< Of text only; empty: any.
  bool symmetric = false;  ///< Of a NumberRange: v alone stands for [-v, v]; without this for [0, v].
  /// Of numbers: a word that stands for 0, or of a `double` for NaN: "epoch", "none".
  std::string_view word = {};
};

/// An option without its type: what checks, messages and documents need. `default_value` holds the default.
struct OptionRule {
  std::string_view key;
  OptionValue default_value;
  std::string_view help;
  std::optional<double> min;
  std::optional<double> max;
  bool above_min;
  bool below_max;
  bool required;
  bool pair;  ///< An IntPair: the default_value is a list of two.
  std::vector<std::string_view> choices;
  bool symmetric = false;
  std::string_view word = {};
};

/// The value of `given` in the type of the rule's default (an integer becomes a number, a single integer a
/// pair, a single number a range), checked against its range and choices. Throws Error (kRecipe) that names the key,
/// the value and what is allowed.
[[nodiscard]] OptionValue checked_value(const OptionRule& rule, const OptionValue& given);

/// Throws Error (kRecipe) for a key in `given` that no rule has (naming the nearest one), and for a required
/// key that is missing.
void check_keys(std::span<const OptionRule> rules, const OptionValues& given);

/// The nearest of `known` to `word` by edit distance; empty when none is near.
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string_view> known);

/// `value` as TOML: `true`, `3`, `0.001`, `"same"`, `[2, 2]`.
[[nodiscard]] std::string option_text(const OptionValue& value);
/// The same of a value of this rule, which may have a word for it.
[[nodiscard]] std::string option_text(const OptionRule& rule, const OptionValue& value);

/// The allowed values of a rule in words: `at least 1`, `above 0 and below 1`, `"same" or "valid"`; may be empty.
[[nodiscard]] std::string range_text(const OptionRule& rule);

/// `option` without its type.
template <class T>
[[nodiscard]] OptionRule rule_of(const Option<T>& option) {
  const T defaults{};
  OptionRule rule{
      option.key,      {},    option.help,    option.min,       option.max, option.above_min, option.below_max,
      option.required, false, option.choices, option.symmetric, option.word};
  std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), IntPair T::*>) {
          const IntPair pair = defaults.*member;
          rule.default_value = std::vector<std::int64_t>(pair.begin(), pair.end());
          rule.pair = true;
        } else {
          rule.default_value = defaults.*member;
        }
      },
      option.member);
  return rule;
}

template <class T>
[[nodiscard]] std::vector<OptionRule> rules_of(std::span<const Option<T>> options) {
  std::vector<OptionRule> rules;
  for (const auto& option : options) {
    rules.push_back(rule_of(option));
  }
  return rules;
}

/// `T`, with its defaults unless another is given, changed by `given`. Throws Error (kRecipe) as check_keys and
/// checked_value do.
template <class T>
[[nodiscard]] T read_options(std::span<const Option<T>> options, const OptionValues& given, T result = {}) {
  check_keys(rules_of(options), given);
  for (const auto& option : options) {
    const auto found = given.find(option.key);
    if (found == given.end()) {
      continue;
    }
    const OptionValue value = checked_value(rule_of(option), found->second);
    std::visit(
        [&](auto member) {
          if constexpr (std::is_same_v<decltype(member), IntPair T::*>) {
            const auto& list = std::get<std::vector<std::int64_t>>(value);
            result.*member = {list[0], list[1]};
          } else {
            result.*member = std::get<std::remove_reference_t<decltype(result.*member)>>(value);
          }
        },
        option.member);
  }
  return result;
}

/// Every option of `from`, defaults included.
template <class T>
[[nodiscard]] OptionValues write_options(std::span<const Option<T>> options, const T& from) {
  OptionValues values;
  for (const auto& option : options) {
    std::visit(
        [&](auto member) {
          if constexpr (std::is_same_v<decltype(member), IntPair T::*>) {
            const IntPair pair = from.*member;
            values.emplace(option.key, std::vector<std::int64_t>(pair.begin(), pair.end()));
          } else {
            values.emplace(option.key, from.*member);
          }
        },
        option.member);
  }
  return values;
}

}  // namespace lapel
