#include "formats/picture.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <new>
#include <string>
#include <utility>

#include "formats/bytes.h"
#include "formats/codecs.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

/// value * alpha / 255, rounded: the value over black.
std::uint8_t over_black(std::uint8_t value, std::uint8_t alpha) {
  return static_cast<std::uint8_t>((value * alpha + 127) / 255);
}

/// ITU-R BT.601 luma, rounded.
std::uint8_t luma(const std::array<std::uint8_t, 3>& rgb) {
  return static_cast<std::uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

}  // namespace

void check_sizes(const Picture& picture, const std::string& place) {
  const bool sane = picture.height > 0 && picture.width > 0 && picture.channels > 0 && picture.channels <= 4 &&
                    picture.width <= kMostPixels && picture.height <= kMostPixels;
  if (!sane || std::cmp_not_equal(picture.height * picture.width * picture.channels, picture.pixels.size())) {
    throw Error(ErrorKind::kUsage, place,
                fmt::format("{} x {} x {} (h x w x c) is no picture of {} numbers", picture.height, picture.width,
                            picture.channels, picture.pixels.size()));
  }
}

Picture blank_picture(std::int64_t height, std::int64_t width, std::int64_t channels, const std::string& place) {
  if (height > kMostPixels / width) {
    throw Error(ErrorKind::kData, place,
                fmt::format("the picture has {} x {} pixels, more than {}", height, width, kMostPixels), {},
                "a smaller picture");
  }
  return {height, width, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels))};
}

Picture read_picture_file(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_file(file);
  try {
    if (is_png(bytes)) {
      return decode_png(bytes, file.string());
    }
    if (is_jpeg(bytes)) {
      return decode_jpeg(bytes, file.string());
    }
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kIo, file.string(), "there is not enough memory for the picture");
  }
  std::vector<ErrorFact> facts;
  if (std::string words = looks_like(bytes); !words.empty()) {
    facts.push_back({"looks like", std::move(words)});
  }
  throw Error(ErrorKind::kData, file.string(),
              fmt::format("neither a PNG nor a JPEG picture: it begins with {}", first_bytes(bytes)), std::move(facts),
              "the picture saved as PNG");
}

void write_png(const std::filesystem::path& file, const Picture& picture) {
  write_file(file, encode_png(picture, file.string()));
}

Picture with_channels(const Picture& picture, std::int64_t channels) {
  check_sizes(picture, "with_channels");
  if (channels != 1 && channels != 3) {
    throw Error(ErrorKind::kUsage, "with_channels",
                fmt::format("{} channels were asked for, 1 or 3 are possible", channels));
  }
  if (picture.channels == channels) {
    return picture;
  }
  const auto from = static_cast<std::size_t>(picture.channels);
  const bool colour = from >= 3;
  const bool alpha = from % 2 == 0;
  Picture result{picture.height, picture.width, channels, {}};
  result.pixels.reserve(static_cast<std::size_t>(picture.height * picture.width * channels));
  for (std::size_t at = 0; at < picture.pixels.size(); at += from) {
    std::array<std::uint8_t, 3> rgb{};
    for (std::size_t i = 0; i < rgb.size(); ++i) {
      const std::uint8_t value = picture.pixels[at + (colour ? i : 0)];
      rgb.at(i) = alpha ? over_black(value, picture.pixels[at + from - 1]) : value;
    }
    if (channels == 1) {
      result.pixels.push_back(luma(rgb));
    } else {
      result.pixels.insert(result.pixels.end(), rgb.begin(), rgb.end());
    }
  }
  return result;
}

}  // namespace lapel::formats
