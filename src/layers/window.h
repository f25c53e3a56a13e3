#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/shape.h"

namespace lapel::layers {

/// A window that moves over a picture: what Conv2D and pooling have in common. Pairs are height, width.
struct Window {
  IntPair size{};
  IntPair strides{};
  bool same = false;             ///< padding = "same"; otherwise "valid"
  std::string_view name;         ///< `kernel`, in messages
  std::string_view size_option;  ///< `kernel_size`, in messages
};

/// Where the window comes to stand: how often, and the zeros put around the picture for it.
struct WindowFit {
  std::int64_t out_height = 0;
  std::int64_t out_width = 0;
  std::int64_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
};

/// Keras's rule. valid: out = floor((in - size) / stride) + 1; same: out = ceil(in / stride), with
/// max((out - 1) stride + size - in, 0) zeros, half of them (rounded down) before and the rest after.
/// Throws Error (kRecipe) where the input is flat, or smaller than the window of a valid padding.
[[nodiscard]] WindowFit fit_window(const Window& window, const Shape& input);

/// Keras's two ways to pad, for the choices of an option.
[[nodiscard]] std::vector<std::string_view> padding_names();

/// Throws Error (kRecipe) where the input is flat.
void require_picture(const Shape& input);

}  // namespace lapel::layers
