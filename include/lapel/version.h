#pragma once

#include <string_view>

namespace lapel {

/// `0.1.0`
[[nodiscard]] std::string_view version();

}  // namespace lapel
