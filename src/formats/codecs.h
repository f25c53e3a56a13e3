#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/picture.h"

namespace lapel::formats {

/// Pictures of more pixels than this are refused before memory is taken for them.
inline constexpr std::int64_t kMostPixels = 100'000'000;

/// Decode the bytes of a file; `place` names it in errors. Throw Error (kData) with the words of the library that
/// decodes, for data that are damaged, end early, or hold more than kMostPixels.
[[nodiscard]] Picture decode_png(std::span<const std::uint8_t> bytes, const std::string& place);
[[nodiscard]] Picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& place);

/// 8-bit PNG of 1 (grey) or 3 (RGB) channels. Throws Error (kUsage) for another number, and for sizes that do not
/// fit the pixels.
[[nodiscard]] std::vector<std::uint8_t> encode_png(const Picture& picture, const std::string& place);

/// A picture of this size, its pixels zero. Throws Error (kData) for more than kMostPixels.
[[nodiscard]] Picture blank_picture(std::int64_t height, std::int64_t width, std::int64_t channels,
                                    const std::string& place);

/// Throws Error (kUsage) where the picture has no pixels or another number of them than its sizes say.
void check_sizes(const Picture& picture, const std::string& place);

}  // namespace lapel::formats
