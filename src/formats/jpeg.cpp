// clang-format off: libjpeg's headers lean on these two
#include <cstddef>
#include <cstdio>
// clang-format on

#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <csetjmp>

#include "formats/codecs.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

/// libjpeg's reader and what it told. As with PNG, libjpeg leaves by longjmp: the functions that call it hold nothing
/// but plain values, and return false where it left.
struct JpegReader {
  JpegReader() = default;
  ~JpegReader() { jpeg_destroy_decompress(&info); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  std::jmp_buf left{};
  char words[JMSG_LENGTH_MAX] = "";
};

// What libjpeg only warns of, filling in grey, but means that the picture is not what was saved.
constexpr std::array kFatalWarnings = {static_cast<int>(JWRN_JPEG_EOF),      static_cast<int>(JWRN_HIT_MARKER),
                                       static_cast<int>(JWRN_HUFF_BAD_CODE), static_cast<int>(JWRN_NOT_SEQUENTIAL),
                                       static_cast<int>(JWRN_MUST_RESYNC),   static_cast<int>(JWRN_BOGUS_PROGRESSION)};

extern "C" {

[[noreturn]] static void lapel_jpeg_error(j_common_ptr info) {
  auto* reader = static_cast<JpegReader*>(info->client_data);
  info->err->format_message(info, reader->words);
  std::longjmp(reader->left, 1);
}

static void lapel_jpeg_message(j_common_ptr info, int level) {
  if (level < 0 &&
      std::find(kFatalWarnings.begin(), kFatalWarnings.end(), info->err->msg_code) != kFatalWarnings.end()) {
    lapel_jpeg_error(info);
  }
}

static void lapel_jpeg_output(j_common_ptr) {}

}  // extern "C"

bool read_header(JpegReader& reader, std::span<const std::uint8_t> bytes) {
  if (setjmp(reader.left) != 0) {
    return false;
  }
  jpeg_create_decompress(&reader.info);
  jpeg_mem_src(&reader.info, bytes.data(), bytes.size());
  jpeg_read_header(&reader.info, TRUE);
  const bool grey = reader.info.jpeg_color_space == JCS_GRAYSCALE;
  if (reader.info.num_components <= 3) {
    reader.info.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  }
  return true;
}

bool read_rows(JpegReader& reader, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(reader.left) != 0) {
    return false;
  }
  jpeg_start_decompress(&reader.info);
  while (reader.info.output_scanline < reader.info.output_height) {
    JSAMPROW row = pixels + reader.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&reader.info, &row, 1);
  }
  jpeg_finish_decompress(&reader.info);
  return true;
}

[[noreturn]] void refuse(const JpegReader& reader, const std::string& place) {
  throw Error(ErrorKind::kData, place, std::string("the JPEG picture is damaged: ") + reader.words, {},
              "a fresh copy of the file");
}

}  // namespace

Picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& place) {
  JpegReader reader;
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = lapel_jpeg_error;
  reader.errors.emit_message = lapel_jpeg_message;
  reader.errors.output_message = lapel_jpeg_output;
  reader.info.client_data = &reader;
  if (!read_header(reader, bytes)) {
    refuse(reader, place);
  }
  if (reader.info.num_components > 3) {
    throw Error(ErrorKind::kData, place, "a JPEG picture of four inks (CMYK), grey or RGB is wanted", {},
                "the picture saved as RGB, for instance as PNG");
  }
  const std::int64_t channels = reader.info.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  Picture picture = blank_picture(reader.info.image_height, reader.info.image_width, channels, place);
  if (!read_rows(reader, picture.pixels.data(), static_cast<std::size_t>(picture.width * channels))) {
    refuse(reader, place);
  }
  return picture;
}

}  // namespace lapel::formats
