#include <utility>

#include "formats/picture.h"
#include "lapel/data.h"

namespace lapel {

Pictures read_picture(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                      std::int64_t channels) {
  formats::Picture picture =
      formats::resized(formats::with_channels(formats::read_picture_file(file), channels), height, width);
  return {1, picture.height, picture.width, picture.channels, std::move(picture.pixels)};
}

}  // namespace lapel
