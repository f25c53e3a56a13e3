#include "plan/show.h"

#include <algorithm>

#include "base/threads.h"

namespace lapel::plan {

namespace {

void show_one(const model::View& view, const Shape& picture, const std::uint8_t* from, std::uint8_t* to) {
  const auto [channels, height, width, flat] = picture;
  for (std::int64_t y = 0; y < height; ++y) {
    const std::int64_t row = std::clamp<std::int64_t>(y - view.down, 0, height - 1);
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int64_t seen = std::clamp<std::int64_t>(x - view.right, 0, width - 1);
      const std::int64_t column = view.mirrored ? width - 1 - seen : seen;
      std::copy_n(from + (row * width + column) * channels, channels, to + (y * width + x) * channels);
    }
  }
}

}  // namespace

void show(const model::View& view, const Shape& picture, std::span<const std::uint8_t> from,
          std::span<std::uint8_t> to) {
  const std::int64_t size = picture.size();
  constexpr std::int64_t kPicturesPerThread = 16;
  parallel_for(static_cast<std::int64_t>(from.size()) / size, kPicturesPerThread,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   show_one(view, picture, from.data() + i * size, to.data() + i * size);
                 }
               });
}

}  // namespace lapel::plan
