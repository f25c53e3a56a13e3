#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <new>

#include "formats/codecs.h"
#include "formats/orientation.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

/// libpng's reader and what it told. libpng leaves by longjmp, which runs no destructors: the functions that call it
/// hold nothing but plain values, and return false where it left.
struct PngReader {
  explicit PngReader(std::span<const std::uint8_t> source) : rest(source) {}
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::uint8_t> rest;
  char words[256] = "";
};

struct PngSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
};

extern "C" {

static void lapel_png_error(png_structp png, png_const_charp words) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::strncpy(reader->words, words, sizeof(reader->words) - 1);
  png_longjmp(png, 1);
}

static void lapel_png_warning(png_structp, png_const_charp) {}

static void lapel_png_read(png_structp png, png_bytep to, size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) {
    png_error(png, "the file ends early");
  }
  std::memcpy(to, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

}  // extern "C"

bool read_header(PngReader& reader, PngSize& size) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    return false;
  }
  png_set_read_fn(reader.png, &reader, lapel_png_read);
  png_read_info(reader.png, reader.info);
  png_set_palette_to_rgb(reader.png);
  png_set_expand_gray_1_2_4_to_8(reader.png);
  png_set_tRNS_to_alpha(reader.png);
  png_set_scale_16(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  size.height = png_get_image_height(reader.png, reader.info);
  size.width = png_get_image_width(reader.png, reader.info);
  size.channels = png_get_channels(reader.png, reader.info);
  return true;
}

bool read_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    return false;
  }
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);
  return true;
}

/// What the file says beside its pixels. The memory stays libpng's.
struct PngExtras {
  png_bytep profile = nullptr;
  png_uint_32 profile_length = 0;
  png_bytep exif = nullptr;
  png_uint_32 exif_length = 0;
};

PngExtras extras_of(PngReader& reader) {
  PngExtras extras;
  if (setjmp(png_jmpbuf(reader.png)) == 0) {
    png_charp name = nullptr;
    int compression = 0;
    png_get_iCCP(reader.png, reader.info, &name, &compression, &extras.profile, &extras.profile_length);
    png_get_eXIf_1(reader.png, reader.info, &extras.exif_length, &extras.exif);
  }
  return extras;
}

}  // namespace

RawPicture decode_png(std::span<const std::uint8_t> bytes, const std::string& place) {
  PngReader reader(bytes);
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, lapel_png_error, lapel_png_warning);
  reader.info = reader.png == nullptr ? nullptr : png_create_info_struct(reader.png);
  if (reader.info == nullptr) {
    throw std::bad_alloc();
  }
  PngSize size;
  if (!read_header(reader, size)) {
    refuse_damaged(place, "PNG", reader.words);
  }
  RawPicture raw;
  raw.picture = blank_picture(size.height, size.width, size.channels, place);
  std::vector<png_bytep> rows;
  for (std::int64_t row = 0; row < size.height; ++row) {
    rows.push_back(raw.picture.pixels.data() + row * size.width * size.channels);
  }
  if (!read_rows(reader, rows.data())) {
    refuse_damaged(place, "PNG", reader.words);
  }
  const PngExtras extras = extras_of(reader);
  raw.profile.assign(extras.profile, extras.profile + extras.profile_length);
  raw.orientation = exif_orientation({extras.exif, extras.exif_length});
  return raw;
}

std::vector<std::uint8_t> encode_png(const Picture& picture, const std::string& place) {
  check_sizes(picture, place);
  if (picture.channels != 1 && picture.channels != 3) {
    throw Error(ErrorKind::kUsage, place,
                "a PNG of " + std::to_string(picture.channels) + " channels was asked for, 1 or 3 are possible");
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(picture.height);
  image.width = static_cast<png_uint_32>(picture.width);
  image.format = picture.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::uint8_t> bytes(length);
  if (png_image_write_to_memory(&image, bytes.data(), &length, 0, picture.pixels.data(), 0, nullptr) == 0) {
    throw Error(ErrorKind::kInternal, place, std::string("the PNG picture cannot be made: ") + image.message);
  }
  bytes.resize(length);
  return bytes;
}

}  // namespace lapel::formats
