#include "base/pattern.h"

#include <cstddef>

namespace lapel {

bool fits_pattern(std::string_view pattern, std::string_view name) {
  // Where a star was met last, and how much of the name it stands for.
  std::size_t star = std::string_view::npos;
  std::size_t star_end = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < name.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_end = i;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == name[i])) {
      ++at;
      ++i;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      i = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace lapel
