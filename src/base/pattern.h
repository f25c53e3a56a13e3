#pragma once

#include <string_view>

namespace lapel {

/// Whether `name` fits `pattern`, in which `*` stands for any characters (also none, also `/`) and `?` for one.
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view name);

}  // namespace lapel
