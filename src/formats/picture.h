#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace lapel::formats {

/// A decoded picture: h x w x c, 8 bits. Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
struct Picture {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// Decodes a PNG or JPEG file, told apart by its first bytes. 16 bits are reduced to 8, palettes expanded, CMYK
/// JPEG refused. Throws Error (kIo, kData) naming the file and, for one that is neither, its first bytes.
[[nodiscard]] Picture read_picture_file(const std::filesystem::path& file);

/// Encodes 8-bit PNG of 1 or 3 channels, atomically.
void write_png(const std::filesystem::path& file, const Picture& picture);

/// Alpha over black, then grey (BT.601: 0.299 R + 0.587 G + 0.114 B, rounded) or RGB.
[[nodiscard]] Picture with_channels(const Picture& picture, std::int64_t channels);

/// Resampled (stb_image_resize, its default filters); the same picture where the size is the same.
[[nodiscard]] Picture resized(const Picture& picture, std::int64_t height, std::int64_t width);

}  // namespace lapel::formats
