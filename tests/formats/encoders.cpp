#include "formats/encoders.h"

#include <png.h>

// clang-format off: libjpeg's header leans on these two
#include <cstddef>
#include <cstdio>
// clang-format on

#include <jpeglib.h>

#include <cstdlib>

namespace lapel::testing {

namespace {

void append(png_structp png, png_bytep data, size_t count) {
  auto* out = static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(png));
  out->insert(out->end(), data, data + count);
}

}  // namespace

std::vector<std::uint8_t> make_png(const PngPlan& plan) {
  std::vector<std::uint8_t> out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &out, append, nullptr);
  png_set_IHDR(png, info, plan.width, plan.height, plan.bit_depth, plan.color_type,
               plan.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> colors;
  for (std::size_t i = 0; i + 2 < plan.palette.size(); i += 3) {
    colors.push_back({plan.palette[i], plan.palette[i + 1], plan.palette[i + 2]});
  }
  if (!colors.empty()) {
    png_set_PLTE(png, info, colors.data(), static_cast<int>(colors.size()));
  }
  if (!plan.palette_alpha.empty()) {
    png_set_tRNS(png, info, plan.palette_alpha.data(), static_cast<int>(plan.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  const std::size_t row_bytes = plan.bytes.size() / plan.height;
  std::vector<std::uint8_t> bytes = plan.bytes;
  std::vector<png_bytep> rows;
  for (std::size_t row = 0; row < plan.height; ++row) {
    rows.push_back(bytes.data() + row * row_bytes);
  }
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

std::vector<std::uint8_t> make_jpeg(std::uint32_t width, std::uint32_t height, int channels, bool progressive,
                                    const std::vector<std::uint8_t>& pixels) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&info, &memory, &length);
  info.image_width = width;
  info.image_height = height;
  info.input_components = channels;
  info.in_color_space = channels == 1 ? JCS_GRAYSCALE : (channels == 3 ? JCS_RGB : JCS_CMYK);
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  info.comp_info[0].h_samp_factor = 1;
  info.comp_info[0].v_samp_factor = 1;
  if (progressive) {
    jpeg_simple_progression(&info);
  }
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> copy = pixels;
  while (info.next_scanline < height) {
    JSAMPROW row = copy.data() + info.next_scanline * width * static_cast<std::uint32_t>(channels);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::vector<std::uint8_t> out(memory, memory + length);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return out;
}

}  // namespace lapel::testing
