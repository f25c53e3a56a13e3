#pragma once

#include <cstdint>
#include <vector>

namespace lapel::testing {

/// What a PNG of the test is made of; rows as PNG packs them (16 bits: big-endian).
struct PngPlan {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bit_depth = 8;
  int color_type = 0;  ///< Of the PNG specification: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
  bool interlaced = false;
  std::vector<std::uint8_t> bytes;
  std::vector<std::uint8_t> palette;        ///< RGB, three bytes a colour.
  std::vector<std::uint8_t> palette_alpha;  ///< tRNS of a palette.
};

/// Encodes with libpng's full interface, which the library itself only decodes with.
[[nodiscard]] std::vector<std::uint8_t> make_png(const PngPlan& plan);

/// A JPEG of 1 (grey), 3 (RGB) or 4 (CMYK) channels at quality 100 without chroma subsampling.
[[nodiscard]] std::vector<std::uint8_t> make_jpeg(std::uint32_t width, std::uint32_t height, int channels,
                                                  bool progressive, const std::vector<std::uint8_t>& pixels);

}  // namespace lapel::testing
