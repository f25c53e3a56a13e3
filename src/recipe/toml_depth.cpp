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
  DepthScanner(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  void run() {
    while (at_ < text_.size()) {
      step();
    }
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
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
      ++open_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      open_ -= open_ > 0 ? 1 : 0;
      dots_ = 0;
    } else if (c == ',' || c == '=' || c == '\n') {
      dots_ = 0;
    }
    check();
    ++at_;
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
};

}  // namespace

void check_depth(std::string_view text, const std::string& place) { DepthScanner(text, place).run(); }

}  // namespace lapel::recipe
