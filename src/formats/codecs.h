#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "formats/picture.h"

namespace lapel::formats {

/// A picture as its file has it, before it is turned and brought to the colours of sRGB.
struct RawPicture {
  Picture picture;
  bool inks = false;                  ///< The four channels are cyan, magenta, yellow and black; 255 is full ink.
  std::vector<std::uint8_t> profile;  ///< ICC profile; empty: none.
  int orientation = 1;                ///< EXIF's, 1 to 8.
  bool more_frames = false;           ///< Others follow in the file: an animation, or pages.
};

/// Decode the bytes of a file; `place` names it in errors. Throw Error (kData) with the words of the library that
/// decodes, for data that are damaged, end early, or hold more than kMostPixels.
[[nodiscard]] RawPicture decode_png(std::span<const std::uint8_t> bytes, const std::string& place);
[[nodiscard]] RawPicture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& place);
[[nodiscard]] RawPicture decode_webp(std::span<const std::uint8_t> bytes, const std::string& place);
[[nodiscard]] RawPicture decode_gif(std::span<const std::uint8_t> bytes, const std::string& place);
[[nodiscard]] RawPicture decode_bmp(std::span<const std::uint8_t> bytes, const std::string& place);
[[nodiscard]] RawPicture decode_tiff(std::span<const std::uint8_t> bytes, const std::string& place);

/// Throws Error (kData): the picture, of `format`, is damaged, in the words of the library that decodes.
[[noreturn]] void refuse_damaged(const std::string& place, const char* format, const std::string& words);

/// 8-bit PNG of 1 (grey) or 3 (RGB) channels. Throws Error (kUsage) for another number, and for sizes that do not
/// fit the pixels.
[[nodiscard]] std::vector<std::uint8_t> encode_png(const Picture& picture, const std::string& place);

/// A picture of this size, its pixels zero. Throws Error (kData) for more than kMostPixels.
[[nodiscard]] Picture blank_picture(std::int64_t height, std::int64_t width, std::int64_t channels,
                                    const std::string& place);

/// Throws Error (kUsage) where the picture has no pixels or another number of them than its sizes say.
void check_sizes(const Picture& picture, const std::string& place);

}  // namespace lapel::formats
