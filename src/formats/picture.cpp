#include "formats/picture.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <new>
#include <string>
#include <utility>

#include "formats/bytes.h"
#include "formats/codecs.h"
#include "formats/colour.h"
#include "formats/orientation.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

/// (value * alpha + ground * (255 - alpha)) / 255, rounded: the value over the ground.
std::uint8_t over(std::uint8_t ground, std::uint8_t value, std::uint8_t alpha) {
  return static_cast<std::uint8_t>((value * alpha + ground * (255 - alpha) + 127) / 255);
}

/// A picture's file, whole, in the form that its first bytes tell.
RawPicture decode_raw(std::span<const std::uint8_t> bytes, const std::string& place) {
  switch (picture_kind(bytes)) {
    case PictureKind::kPng:
      return decode_png(bytes, place);
    case PictureKind::kJpeg:
      return decode_jpeg(bytes, place);
    case PictureKind::kWebp:
      return decode_webp(bytes, place);
    case PictureKind::kGif:
      return decode_gif(bytes, place);
    case PictureKind::kBmp:
      return decode_bmp(bytes, place);
    case PictureKind::kTiff:
      return decode_tiff(bytes, place);
    case PictureKind::kOther:
      throw Error(ErrorKind::kData, place, fmt::format("is {}, a kind of picture that is not read", looks_like(bytes)),
                  {{"read", std::string(kReadFormats)}}, "the picture saved as PNG");
    default:
      break;
  }
  std::vector<ErrorFact> facts;
  if (std::string words = looks_like(bytes); !words.empty()) {
    facts.push_back({"looks like", std::move(words)});
  }
  throw Error(ErrorKind::kData, place, fmt::format("is no picture: it begins with {}", first_bytes(bytes)),
              std::move(facts), "the picture saved as PNG");
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

void refuse_damaged(const std::string& place, const char* format, const std::string& words) {
  throw Error(ErrorKind::kData, place, fmt::format("the {} picture is damaged: {}", format, words), {},
              "a fresh copy of the file");
}

Picture read_picture_file(const std::filesystem::path& file, PictureNotes* notes) {
  return decode_picture(read_file(file, {kMostPictureBytes}), file.string(), notes);
}

Picture decode_picture(std::span<const std::uint8_t> bytes, const std::string& place, PictureNotes* notes) {
  try {
    RawPicture raw = decode_raw(bytes, place);
    const ColourChange change = to_srgb(raw);
    if (notes != nullptr) {
      *notes = {raw.orientation > 1, change == ColourChange::kConverted, change == ColourChange::kProfileUnreadable,
                raw.more_frames};
    }
    return oriented(std::move(raw.picture), raw.orientation);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kIo, place, "there is not enough memory for the picture");
  }
}

void write_png(const std::filesystem::path& file, const Picture& picture) {
  write_file(file, encode_png(picture, file.string()));
}

Picture with_channels(const Picture& picture, std::int64_t channels, std::uint8_t ground) {
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
      rgb.at(i) = alpha ? over(ground, value, picture.pixels[at + from - 1]) : value;
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
