// clang-format off: libjpeg's headers lean on these two
#include <cstddef>
#include <cstdio>
// clang-format on

#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdlib>

#include "formats/codecs.h"
#include "formats/orientation.h"
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
  jpeg_progress_mgr progress{};
  std::jmp_buf left{};
  char words[JMSG_LENGTH_MAX] = "";
};

// What libjpeg only warns of, filling in grey, but means that the picture is not what was saved.
constexpr std::array kFatalWarnings = {static_cast<int>(JWRN_JPEG_EOF),      static_cast<int>(JWRN_HIT_MARKER),
                                       static_cast<int>(JWRN_HUFF_BAD_CODE), static_cast<int>(JWRN_NOT_SEQUENTIAL),
                                       static_cast<int>(JWRN_MUST_RESYNC),   static_cast<int>(JWRN_BOGUS_PROGRESSION)};

/// Of a picture in several scans, all of whose coefficients libjpeg keeps: those of kMostPixels whose colours have half
/// the resolution, as nearly all have.
constexpr long kMostCoefficientBytes = 240L << 20U;

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr int kProfileMarker = JPEG_APP0 + 2;

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

/// A file of a few bytes can have thousands of scans, each of which goes over all pixels.
static void lapel_jpeg_progress(j_common_ptr info) {
  auto* reader = static_cast<JpegReader*>(info->client_data);
  const std::int64_t scans = reader->info.input_scan_number;
  const std::int64_t pixels = std::int64_t{reader->info.image_height} * reader->info.image_width;
  if (scans > kMostScans || scans * pixels > kMostScannedPixels) {
    std::snprintf(reader->words, sizeof(reader->words), "more than %d scans, or too many for %lld pixels", kMostScans,
                  static_cast<long long>(pixels));
    std::longjmp(reader->left, 1);
  }
}

}  // extern "C"

bool read_header(JpegReader& reader, std::span<const std::uint8_t> bytes) {
  if (setjmp(reader.left) != 0) {
    return false;
  }
  jpeg_create_decompress(&reader.info);
  jpeg_mem_src(&reader.info, bytes.data(), bytes.size());
  constexpr unsigned kWhole = 0xffff;
  jpeg_save_markers(&reader.info, kExifMarker, kWhole);
  jpeg_save_markers(&reader.info, kProfileMarker, kWhole);
  jpeg_read_header(&reader.info, TRUE);
  const bool grey = reader.info.jpeg_color_space == JCS_GRAYSCALE;
  const bool inks = reader.info.num_components > 3;
  reader.info.out_color_space = inks ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
  return true;
}

bool read_rows(JpegReader& reader, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(reader.left) != 0) {
    return false;
  }
  reader.progress.progress_monitor = lapel_jpeg_progress;
  reader.info.progress = &reader.progress;
  reader.info.mem->max_memory_to_use = kMostCoefficientBytes;
  jpeg_start_decompress(&reader.info);
  while (reader.info.output_scanline < reader.info.output_height) {
    JSAMPROW row = pixels + reader.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&reader.info, &row, 1);
  }
  jpeg_finish_decompress(&reader.info);
  return true;
}

/// The embedded profile, in memory of malloc's; null where there is none, or its parts do not fit together.
bool read_profile(JpegReader& reader, std::uint8_t*& profile, unsigned& length) {
  if (setjmp(reader.left) != 0) {
    return false;
  }
  return jpeg_read_icc_profile(&reader.info, &profile, &length) != FALSE;
}

std::vector<std::uint8_t> profile_of(JpegReader& reader) {
  std::uint8_t* profile = nullptr;
  unsigned length = 0;
  std::vector<std::uint8_t> result;
  if (read_profile(reader, profile, length)) {
    result.assign(profile, profile + length);
  }
  std::free(profile);
  return result;
}

/// Of the first EXIF segment; a segment of the same marker may be of something else.
int orientation_of(const JpegReader& reader) {
  constexpr std::array<std::uint8_t, 6> kBegin = {'E', 'x', 'i', 'f', 0, 0};
  for (const auto* marker = reader.info.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const std::uint8_t> data(marker->data, marker->data_length);
    if (marker->marker == kExifMarker && data.size() > kBegin.size() &&
        std::equal(kBegin.begin(), kBegin.end(), data.begin())) {
      return exif_orientation(data);
    }
  }
  return 1;
}

}  // namespace

RawPicture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& place) {
  JpegReader reader;
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = lapel_jpeg_error;
  reader.errors.emit_message = lapel_jpeg_message;
  reader.errors.output_message = lapel_jpeg_output;
  reader.info.client_data = &reader;
  if (!read_header(reader, bytes)) {
    refuse_damaged(place, "JPEG", reader.words);
  }
  RawPicture raw;
  raw.inks = reader.info.out_color_space == JCS_CMYK;
  const std::int64_t channels = raw.inks ? 4 : reader.info.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  raw.picture = blank_picture(reader.info.image_height, reader.info.image_width, channels, place);
  raw.orientation = orientation_of(reader);
  raw.profile = profile_of(reader);
  if (!read_rows(reader, raw.picture.pixels.data(), static_cast<std::size_t>(raw.picture.width * channels))) {
    refuse_damaged(place, "JPEG", reader.words);
  }
  if (raw.inks) {
    // Stored as what the inks leave of the light: Adobe's convention, which all that write such files follow.
    for (std::uint8_t& ink : raw.picture.pixels) {
      ink = static_cast<std::uint8_t>(255 - ink);
    }
  }
  return raw;
}

}  // namespace lapel::formats
