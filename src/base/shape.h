#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace lapel {

/// The product of sizes; the largest number where it is beyond it.
[[nodiscard]] std::int64_t product_of(std::span<const std::int64_t> sizes);
[[nodiscard]] inline std::int64_t product_of(std::initializer_list<std::int64_t> sizes) {
  return product_of(std::span(sizes.begin(), sizes.size()));
}

/// The shape of one sample's activations: a picture of channels x height x width, or a flat vector.
/// In memory a batch is dense in the order n, h, w, c (Keras's channels_last).
struct Shape {
  std::int64_t channels = 1;  ///< Of a vector: its length.
  std::int64_t height = 1;
  std::int64_t width = 1;
  bool flat = true;

  [[nodiscard]] static Shape vector(std::int64_t length) { return {length, 1, 1, true}; }
  [[nodiscard]] static Shape image(std::int64_t channels, std::int64_t height, std::int64_t width) {
    return {channels, height, width, false};
  }
  /// Numbers per sample.
  [[nodiscard]] std::int64_t size() const { return product_of({channels, height, width}); }
  /// As Keras prints it: `(None, 26, 26, 32)`.
  [[nodiscard]] std::string keras() const;
  /// As errors show it: `26 x 26 x 32` (height x width x channels), or `784`.
  [[nodiscard]] std::string text() const;

  bool operator==(const Shape&) const = default;
};

}  // namespace lapel
