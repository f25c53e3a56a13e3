#pragma once

#include <array>
#include <cstddef>

namespace lapel::kernels {

/// The arguments of conv_pool.cpp: a 3x3 convolution (stride 1) of pictures with zeros around them, and the maxima of
/// windows of 2x2 side by side. A window sees 4 x 4 places of the picture, its four outputs 3 x 3 of them each.
struct ConvPoolRows {
  std::size_t in_channels = 0;
  std::size_t channels = 0;
  std::size_t line = 0;                  ///< Numbers of a line of the picture, zeros included.
  std::array<std::size_t, 2> windows{};  ///< High, wide.
  bool relu = false;
  /// A row of channels for each place and input channel, 9 in_channels: of pictures of floats.
  const float* kernel = nullptr;
  /// The same for pictures of bfloat16: the 3 in_channels numbers of each of the window's lines in pairs, the first in
  /// the lower half of a word; the last one alone where they are odd, with zero. Null: `kernel` is used.
  const float* pairs = nullptr;
  const float* bias = nullptr;  ///< May be null.
};

}  // namespace lapel::kernels
