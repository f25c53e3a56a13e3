#include "recipe/toml_depth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "lapel/error.h"

namespace lapel::recipe {

namespace {

/// Goes through a text once. Texts in quotes and comments are passed over.
class DepthScanner {
 public:
  DepthScanner(std::string_view text, const std::string& place) : text_(text), place_(place) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    at_ = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  }

  void run() {
    while (at_ < text_.size()) {
      step();
    }
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
      begins_line_ = false;
      pass_text(c);
      return;
    }
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return;
    }
    if (c == '\n') {
      ++line_;
    }
    if (c == '.') {
      ++dots_;
    } else if (c == '[' || c == '{') {
      if (c == '[' && begins_line_ && open_ == 0) {
        check_name();
      }
      ++open_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      open_ -= open_ > 0 ? 1 : 0;
      dots_ = 0;
    } else if (c == ',' || c == '=' || c == '\n') {
      dots_ = 0;
    }
    begins_line_ = c == '\n' || (begins_line_ && (c == ' ' || c == '\t'));
    check();
    ++at_;
  }

  /// A table's name in brackets. toml++ takes for granted that it begins as a name does.
  void check_name() const {
    std::size_t at = at_ + 1;
    at += at < text_.size() && text_[at] == '[' ? 1 : 0;
    at = std::min(text_.find_first_not_of(" \t", at), text_.size());
    constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-\"']";
    if (at < text_.size() && kFirst.find(text_[at]) == std::string_view::npos) {
      throw Error(
          ErrorKind::kRecipe, fmt::format("{}:{}", place_, line_),
          "not TOML: the name of a table in brackets does not begin with a letter, a digit, \"_\", \"-\" or a quote");
    }
  }

  /// Brackets and dots each have a limit for themselves: together they then stay below its square, which stacks bear.
  void check() const {
    if (dots_ >= kDeepestKey || open_ > kDeepest) {
      throw Error(
          ErrorKind::kRecipe, fmt::format("{}:{}", place_, line_),
          fmt::format("more than {} tables or lists within each other", open_ > kDeepest ? kDeepest : kDeepestKey));
    }
  }

  /// Behind the end of a text in quotes: of one line, or in three quotes of several.
  void pass_text(char quote) {
    const std::string three(3, quote);
    const bool lines = text_.substr(at_, 3) == three;
    at_ += lines ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        ++at_;
        line_ += at_ < text_.size() && text_[at_] == '\n' ? 1 : 0;
      } else if (c == '\n') {
        if (!lines) {
          return;  // It is no TOML, which the parser says.
        }
        ++line_;
      } else if (c == quote && (!lines || text_.substr(at_, 3) == three)) {
        at_ += lines ? 3 : 1;
        // The last two of up to five quotes belong to the text.
        for (int more = 0; lines && more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) {
          ++at_;
        }
        return;
      }
      ++at_;
    }
  }

  std::string_view text_;
  const std::string& place_;
  std::size_t at_ = 0;
  std::size_t open_ = 0;  ///< Brackets and braces.
  std::size_t dots_ = 0;  ///< Of the key, so far.
  std::int64_t line_ = 1;
  bool begins_line_ = true;  ///< Nothing but blanks is before it on its line.
};

}  // namespace

void check_depth(std::string_view text, const std::string& place) { DepthScanner(text, place).run(); }

}  // namespace lapel::recipe
