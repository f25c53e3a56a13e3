#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>

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

}  // namespace

RawPicture decode_tiff(std::span<const std::uint8_t> bytes, const std::string& place) {
  TiffSource source{bytes, 0, {}};
  const Tiff tiff = open(source, place);
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  const std::uint16_t photometric = tag(tiff, TIFFTAG_PHOTOMETRIC);
  std::array<char, 1024> words{};
  if (width == 0 || height == 0 || photometric == PHOTOMETRIC_SEPARATED ||
      TIFFRGBAImageOK(tiff.get(), words.data()) == 0) {
    const bool inks = photometric == PHOTOMETRIC_SEPARATED;
    throw Error(ErrorKind::kData, place, "a TIFF picture of a kind that is not read",
                {{"because", inks ? "it is one of inks (CMYK)" : words.data()}}, "the picture saved as PNG");
  }
  const bool grey = photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
  std::uint16_t extra = 0;
  std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_EXTRASAMPLES, &extra, &kinds);
  RawPicture raw;
  raw.picture = blank_picture(height, width, (grey ? 1 : 3) + (extra > 0 ? 1 : 0), place);
  std::vector<std::uint32_t> raster(static_cast<std::size_t>(height) * width);
  if (!read_raster(tiff, raster, width, height, words.data()) || source.words[0] != '\0') {
    refuse_damaged(place, "TIFF", source.words[0] != '\0' ? source.words.data() : words.data());
  }
  take_pixels(raw.picture, raster);
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
