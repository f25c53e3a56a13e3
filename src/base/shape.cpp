#include "base/shape.h"

#include <fmt/format.h>

#include <limits>

namespace lapel {

std::int64_t product_of(std::span<const std::int64_t> sizes) {
  std::int64_t product = 1;
  for (const std::int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) {
      return std::numeric_limits<std::int64_t>::max();
    }
  }
  return product;
}

std::string Shape::keras() const {
  return flat ? fmt::format("(None, {})", channels) : fmt::format("(None, {}, {}, {})", height, width, channels);
}

std::string Shape::text() const {
  return flat ? fmt::format("{}", channels) : fmt::format("{} x {} x {}", height, width, channels);
}

}  // namespace lapel
