#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_ASSERT(condition) static_cast<void>(0)
#include <stb/stb_image.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>

#include "formats/codecs.h"

namespace lapel::formats {

namespace {

struct Free {
  void operator()(stbi_uc* pixels) const { std::free(pixels); }
};

/// A number of the header, little-endian.
std::int64_t number_at(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t size) {
  std::int64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= std::int64_t{bytes[at + i]} << (8 * i);
  }
  return value;
}

/// stb_image reads zeros beyond the end of a file, so its length is checked against what the header promises.
/// https://learn.microsoft.com/windows/win32/gdi/bitmap-storage: offset of the pixels at 10, sizes from 14.
void check_length(std::span<const std::uint8_t> bytes, const std::string& place) {
  constexpr std::size_t kLeastHeader = 30;
  constexpr std::int64_t kOldHeader = 12;
  if (bytes.size() < kLeastHeader) {
    refuse_damaged(place, "BMP", "the file ends early");
  }
  const bool old = number_at(bytes, 14, 4) == kOldHeader;
  const auto width = old ? number_at(bytes, 18, 2) : static_cast<std::int32_t>(number_at(bytes, 18, 4));
  const auto height = old ? number_at(bytes, 20, 2) : static_cast<std::int32_t>(number_at(bytes, 22, 4));
  const std::int64_t bits = number_at(bytes, old ? 24 : 28, 2);
  const std::int64_t rows = std::abs(height);
  if (width < 1 || rows < 1 || width > kMostPixels || rows > kMostPixels / width) {
    refuse_damaged(place, "BMP", "its header gives no possible size");
  }
  const std::int64_t stride = (width * bits + 31) / 32 * 4;
  if (number_at(bytes, 10, 4) + stride * rows > static_cast<std::int64_t>(bytes.size())) {
    refuse_damaged(place, "BMP", "the file ends early");
  }
}

}  // namespace

RawPicture decode_bmp(std::span<const std::uint8_t> bytes, const std::string& place) {
  check_length(bytes, place);
  int width = 0;
  int height = 0;
  int channels = 0;
  const std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &channels, 0));
  if (pixels == nullptr) {
    refuse_damaged(place, "BMP", stbi_failure_reason());
  }
  RawPicture raw;
  raw.picture = blank_picture(height, width, channels, place);
  std::copy_n(pixels.get(), raw.picture.pixels.size(), raw.picture.pixels.begin());
  return raw;
}

}  // namespace lapel::formats
