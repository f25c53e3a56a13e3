#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#define STBIR_ASSERT(condition) static_cast<void>(0)
#include <fmt/format.h>
#include <stb/stb_image_resize.h>

#include <cstddef>

#include "formats/codecs.h"
#include "formats/picture.h"
#include "lapel/error.h"

namespace lapel::formats {

Picture resized(const Picture& picture, std::int64_t height, std::int64_t width) {
  check_sizes(picture, "resized");
  if (height < 1 || width < 1 || height > kMostPixels / width) {
    throw Error(ErrorKind::kUsage, "resized", fmt::format("a picture of {} x {} pixels was asked for", height, width));
  }
  if (picture.height == height && picture.width == width) {
    return picture;
  }
  const bool alpha = picture.channels % 2 == 0;
  const int alpha_channel = alpha ? static_cast<int>(picture.channels) - 1 : STBIR_ALPHA_CHANNEL_NONE;
  Picture result = blank_picture(height, width, picture.channels, "resized");
  // Shrinking takes the mean of what a pixel covers, as Keras's and Pillow's "area" and "box" do. That leaves a side of
  // the same length as it is, which the default filter would blur.
  const auto filter = [](std::int64_t from, std::int64_t to) {
    return to <= from ? STBIR_FILTER_BOX : STBIR_FILTER_DEFAULT;
  };
  const int done =
      stbir_resize(picture.pixels.data(), static_cast<int>(picture.width), static_cast<int>(picture.height), 0,
                   result.pixels.data(), static_cast<int>(width), static_cast<int>(height), 0, STBIR_TYPE_UINT8,
                   static_cast<int>(picture.channels), alpha_channel, 0, STBIR_EDGE_CLAMP, STBIR_EDGE_CLAMP,
                   filter(picture.width, width), filter(picture.height, height), STBIR_COLORSPACE_LINEAR, nullptr);
  if (done == 0) {
    throw Error(ErrorKind::kIo, "resized",
                fmt::format("there is not enough memory to bring {} x {} pixels to {} x {}", picture.height,
                            picture.width, height, width));
  }
  return result;
}

}  // namespace lapel::formats
