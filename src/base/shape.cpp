#include "base/shape.h"

#include <fmt/format.h>

namespace lapel {

std::string Shape::keras() const {
  return flat ? fmt::format("(None, {})", channels) : fmt::format("(None, {}, {}, {})", height, width, channels);
}

std::string Shape::text() const {
  return flat ? fmt::format("{}", channels) : fmt::format("{} x {} x {}", height, width, channels);
}

}  // namespace lapel
