#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lapel::app {

/// The word of `known` that `word` was most likely meant to be, by edit distance; empty when none is near.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> known);

}  // namespace lapel::app
