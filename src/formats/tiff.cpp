#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "formats/codecs.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

/// A file in memory, and what libtiff told of it.
struct TiffSource {
  std::span<const std::uint8_t> bytes;
  std::size_t at = 0;
  std::array<char, 256> words{};
};

TiffSource& source_of(thandle_t handle) { return *static_cast<TiffSource*>(handle); }

tmsize_t read_bytes(thandle_t handle, void* to, tmsize_t count) {
  TiffSource& source = source_of(handle);
  const std::size_t rest = source.bytes.size() - std::min(source.at, source.bytes.size());
  const std::size_t taken = std::min(rest, static_cast<std::size_t>(count));
  std::memcpy(to, source.bytes.data() + source.at, taken);
  source.at += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_bytes(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  TiffSource& source = source_of(handle);
  const std::size_t from = whence == SEEK_CUR ? source.at : whence == SEEK_END ? source.bytes.size() : 0;
  source.at = std::min(from + offset, source.bytes.size());
  return source.at;
}

int close_source(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return source_of(handle).bytes.size(); }

int take_words(TIFF*, void* source, const char*, const char* format, va_list values) {
  auto& words = static_cast<TiffSource*>(source)->words;
  if (words[0] == '\0') {
    std::vsnprintf(words.data(), words.size(), format, values);
  }
  return 1;
}

int pass_over(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};
using Tiff = std::unique_ptr<TIFF, CloseTiff>;

Tiff open(TiffSource& source, const std::string& place) {
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), take_words, &source);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostPictureBytes);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), pass_over, nullptr);
  Tiff tiff(TIFFClientOpenExt(place.c_str(), "rm", &source, read_bytes, write_bytes, seek, close_source, size_of,
                              nullptr, nullptr, options.get()));
  if (tiff == nullptr) {
    refuse_damaged(place, "TIFF", source.words.data());
  }
  return tiff;
}

std::uint16_t tag(const Tiff& tiff, std::uint32_t name) {
  std::uint16_t value = 0;
  TIFFGetFieldDefaulted(tiff.get(), name, &value);
  return value;
}

/// The pixels in the order of the file: libtiff would mirror them as the orientation says, but not turn them.
bool read_raster(const Tiff& tiff, std::vector<std::uint32_t>& raster, std::uint32_t width, std::uint32_t height,
                 char* words) {
  TIFFRGBAImage image{};
  if (TIFFRGBAImageBegin(&image, tiff.get(), 1, words) == 0) {
    return false;
  }
  image.orientation = ORIENTATION_TOPLEFT;
  image.req_orientation = ORIENTATION_TOPLEFT;
  const bool read = TIFFRGBAImageGet(&image, raster.data(), width, height) != 0;
  TIFFRGBAImageEnd(&image);
  return read;
}

/// The four inks of each pixel, row by row.
bool read_inks(const Tiff& tiff, Picture& picture) {
  const bool planes = tag(tiff, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
  std::vector<std::uint8_t> row(static_cast<std::size_t>(TIFFScanlineSize(tiff.get())));
  const auto width = static_cast<std::size_t>(picture.width);
  std::uint8_t* to = picture.pixels.data();
  for (std::uint32_t y = 0; y < picture.height; ++y, to += 4 * width) {
    for (std::uint16_t plane = 0; plane < (planes ? 4 : 1); ++plane) {
      if (TIFFReadScanline(tiff.get(), row.data(), y, plane) != 1) {
        return false;
      }
      for (std::size_t i = 0; i < (planes ? width : 4 * width); ++i) {
        to[planes ? 4 * i + plane : i] = row[i];
      }
    }
  }
  return true;
}

/// Why a picture of inks is not read; nothing where it is.
std::string_view ink_obstacle(const Tiff& tiff) {
  return tag(tiff, TIFFTAG_INKSET) != INKSET_CMYK || tag(tiff, TIFFTAG_SAMPLESPERPIXEL) != 4
             ? "it is one of other inks than CMYK"
         : tag(tiff, TIFFTAG_BITSPERSAMPLE) != 8 ? "it is one of inks (CMYK) of other than 8 bits"
         : TIFFIsTiled(tiff.get()) != 0          ? "it is one of inks (CMYK) in tiles"
                                                 : "";
}

/// libtiff's RGBA, whose colours are multiplied by alpha, as 1 to 4 channels.
void take_pixels(Picture& picture, const std::vector<std::uint32_t>& raster) {
  const bool grey = picture.channels <= 2;
  const bool alpha = picture.channels % 2 == 0;
  std::uint8_t* to = picture.pixels.data();
  for (const std::uint32_t pixel : raster) {
    const std::uint32_t a = TIFFGetA(pixel);
    const auto colour = [&](std::uint32_t value) {
      return static_cast<std::uint8_t>(!alpha || a == 0 ? value : std::min(255U, (value * 255 + a / 2) / a));
    };
    *to++ = colour(TIFFGetR(pixel));
    if (!grey) {
      *to++ = colour(TIFFGetG(pixel));
      *to++ = colour(TIFFGetB(pixel));
    }
    if (alpha) {
      *to++ = static_cast<std::uint8_t>(a);
    }
  }
}

/// Reads what `raw` has memory for.
bool read_pixels(const Tiff& tiff, RawPicture& raw, char* words) {
  if (raw.inks) {
    return read_inks(tiff, raw.picture);
  }
  std::vector<std::uint32_t> raster(static_cast<std::size_t>(raw.picture.height * raw.picture.width));
  const bool read = read_raster(tiff, raster, static_cast<std::uint32_t>(raw.picture.width),
                                static_cast<std::uint32_t>(raw.picture.height), words);
  take_pixels(raw.picture, raster);
  return read;
}

}  // namespace

RawPicture decode_tiff(std::span<const std::uint8_t> bytes, const std::string& place) {
  TiffSource source{bytes, 0, {}};
  const Tiff tiff = open(source, place);
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  const std::uint16_t photometric = tag(tiff, TIFFTAG_PHOTOMETRIC);
  const bool inks = photometric == PHOTOMETRIC_SEPARATED;
  std::array<char, 1024> words{};
  const bool rgba = !inks && TIFFRGBAImageOK(tiff.get(), words.data()) != 0;
  const std::string_view obstacle = inks ? ink_obstacle(tiff) : rgba ? "" : words.data();
  if (width == 0 || height == 0 || (!inks && !rgba) || !obstacle.empty()) {
    throw Error(ErrorKind::kData, place, "a TIFF picture of a kind that is not read",
                {{"because", std::string(obstacle)}}, "the picture saved as PNG");
  }
  const bool grey = photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
  std::uint16_t extra = 0;
  std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_EXTRASAMPLES, &extra, &kinds);
  RawPicture raw;
  raw.inks = inks;
  raw.picture = blank_picture(height, width, inks ? 4 : (grey ? 1 : 3) + (extra > 0 ? 1 : 0), place);
  if (!read_pixels(tiff, raw, words.data()) || source.words[0] != '\0') {
    refuse_damaged(place, "TIFF", source.words[0] != '\0' ? source.words.data() : words.data());
  }
  raw.orientation = tag(tiff, TIFFTAG_ORIENTATION);
  std::uint32_t length = 0;
  void* profile = nullptr;
  if (TIFFGetField(tiff.get(), TIFFTAG_ICCPROFILE, &length, &profile) != 0) {
    const auto* begin = static_cast<const std::uint8_t*>(profile);
    raw.profile.assign(begin, begin + length);
  }
  raw.more_frames = TIFFLastDirectory(tiff.get()) == 0;
  return raw;
}

}  // namespace lapel::formats
