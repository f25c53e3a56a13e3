#include "data/picture_pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "lapel/error.h"

namespace lapel {

namespace data {

namespace {

constexpr std::uint8_t kWhite = 255;

/// The middle of a picture in the proportions of the format.
formats::Picture middle_of(const formats::Picture& picture, const PictureFormat& format) {
  const double scale = std::min(static_cast<double>(picture.height) / static_cast<double>(format.height),
                                static_cast<double>(picture.width) / static_cast<double>(format.width));
  const auto extent = [scale](std::int64_t wanted, std::int64_t most) {
    return std::clamp<std::int64_t>(std::llround(static_cast<double>(wanted) * scale), 1, most);
  };
  formats::Picture result{
      extent(format.height, picture.height), extent(format.width, picture.width), picture.channels, {}};
  const std::int64_t top = (picture.height - result.height) / 2;
  const std::int64_t left = (picture.width - result.width) / 2;
  for (std::int64_t y = 0; y < result.height; ++y) {
    const std::uint8_t* row = picture.pixels.data() + ((top + y) * picture.width + left) * picture.channels;
    result.pixels.insert(result.pixels.end(), row, row + result.width * picture.channels);
  }
  return result;
}

/// The whole picture in its proportions, in the middle of a canvas of the background.
formats::Picture padded(const formats::Picture& picture, const PictureFormat& format) {
  const double scale = std::max(static_cast<double>(picture.height) / static_cast<double>(format.height),
                                static_cast<double>(picture.width) / static_cast<double>(format.width));
  const auto extent = [scale](std::int64_t from, std::int64_t most) {
    return std::clamp<std::int64_t>(std::llround(static_cast<double>(from) / scale), 1, most);
  };
  const formats::Picture inner =
      formats::resized(picture, extent(picture.height, format.height), extent(picture.width, format.width));
  formats::Picture canvas{format.height, format.width, picture.channels, {}};
  canvas.pixels.assign(static_cast<std::size_t>(format.height * format.width * picture.channels), ground_of(format));
  const std::int64_t top = (format.height - inner.height) / 2;
  const std::int64_t left = (format.width - inner.width) / 2;
  for (std::int64_t y = 0; y < inner.height; ++y) {
    std::copy_n(inner.pixels.data() + y * inner.width * inner.channels, inner.width * inner.channels,
                canvas.pixels.data() + ((top + y) * format.width + left) * inner.channels);
  }
  return canvas;
}

}  // namespace

std::uint8_t ground_of(const PictureFormat& format) { return format.background == "white" ? kWhite : 0; }

formats::Picture brought_to(const formats::Picture& picture, const PictureFormat& format) {
  const formats::Picture coloured = formats::with_channels(picture, format.channels, ground_of(format));
  if (format.fit == "pad") {
    return padded(coloured, format);
  }
  return formats::resized(format.fit == "crop" ? middle_of(coloured, format) : coloured, format.height, format.width);
}

}  // namespace data

Pictures read_picture(const std::filesystem::path& file, const PictureFormat& format) {
  formats::Picture picture = data::brought_to(formats::read_picture_file(file), format);
  return {1, picture.height, picture.width, picture.channels, std::move(picture.pixels)};
}

}  // namespace lapel
