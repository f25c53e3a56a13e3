#include "formats/orientation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace lapel::formats {

namespace {

/// Numbers of TIFF data in their order of bytes; nothing beyond their end.
class TiffNumbers {
 public:
  explicit TiffNumbers(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    big_ = bytes.size() >= 2 && bytes[0] == 'M' && bytes[1] == 'M';
    const bool little = bytes.size() >= 2 && bytes[0] == 'I' && bytes[1] == 'I';
    if (!big_ && !little) {
      bytes_ = {};
    }
  }

  [[nodiscard]] std::optional<std::uint32_t> number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) {
      return std::nullopt;
    }
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8U | bytes_[at + (big_ ? i : size - 1 - i)];
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool big_ = false;
};

}  // namespace

int exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::array<std::uint8_t, 6> kBegin = {'E', 'x', 'i', 'f', 0, 0};
  constexpr std::size_t kEntry = 12;
  constexpr std::uint32_t kTag = 0x0112;
  constexpr std::uint32_t kShort = 3;
  constexpr std::uint32_t kLong = 4;
  if (exif.size() >= kBegin.size() && std::equal(kBegin.begin(), kBegin.end(), exif.begin())) {
    exif = exif.subspan(kBegin.size());
  }
  const TiffNumbers tiff(exif);
  const auto directory = tiff.number(4, 4);
  const auto entries = directory ? tiff.number(*directory, 2) : std::nullopt;
  for (std::size_t i = 0; i < entries.value_or(0); ++i) {
    const std::size_t entry = *directory + 2 + i * kEntry;
    if (tiff.number(entry, 2) != kTag) {
      continue;
    }
    const auto type = tiff.number(entry + 2, 2);
    const auto value = tiff.number(entry + 8, type == kLong ? 4 : 2);
    const bool known = (type == kShort || type == kLong) && value && *value >= 1 && *value <= 8;
    return known ? static_cast<int>(*value) : 1;
  }
  return 1;
}

Picture oriented(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) {
    return picture;
  }
  const std::int64_t h = picture.height;
  const std::int64_t w = picture.width;
  const auto channels = static_cast<std::size_t>(picture.channels);
  const bool turned = lies_on_its_side(orientation);
  Picture result{turned ? w : h, turned ? h : w, picture.channels, std::vector<std::uint8_t>(picture.pixels.size())};
  // The pixel of the file that is seen at (y, x), by EXIF's table of where its first row and column are.
  const auto source = [&](std::int64_t y, std::int64_t x) -> std::pair<std::int64_t, std::int64_t> {
    switch (orientation) {
      case 2:
        return {y, w - 1 - x};
      case 3:
        return {h - 1 - y, w - 1 - x};
      case 4:
        return {h - 1 - y, x};
      case 5:
        return {x, y};
      case 6:
        return {h - 1 - x, y};
      case 7:
        return {h - 1 - x, w - 1 - y};
      default:
        return {x, w - 1 - y};
    }
  };
  std::uint8_t* to = result.pixels.data();
  for (std::int64_t y = 0; y < result.height; ++y) {
    for (std::int64_t x = 0; x < result.width; ++x) {
      const auto [row, column] = source(y, x);
      const std::uint8_t* from = picture.pixels.data() + static_cast<std::size_t>(row * w + column) * channels;
      to = std::copy_n(from, channels, to);
    }
  }
  return result;
}

}  // namespace lapel::formats
