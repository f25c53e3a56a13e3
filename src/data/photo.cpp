#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "formats/picture.h"
#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel {

namespace {

using formats::Picture;
using Color = std::array<double, 3>;

constexpr double kWhite = 255;

/// Edges whose pixels are nearer than this to the corner's colour, in every channel, are trimmed.
constexpr double kTolerance = 0.05 * kWhite;

struct Box {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;  ///< The last two are the first beyond it.
};

double value_at(const Picture& picture, std::int64_t y, std::int64_t x, std::int64_t c) {
  return picture.pixels[static_cast<std::size_t>((y * picture.width + x) * picture.channels + c)];
}

/// The mean colour of the corners.
Color ground_of(const Picture& picture) {
  Color ground{};
  for (std::int64_t c = 0; c < picture.channels; ++c) {
    for (const std::int64_t y : {std::int64_t{0}, picture.height - 1}) {
      for (const std::int64_t x : {std::int64_t{0}, picture.width - 1}) {
        ground.at(static_cast<std::size_t>(c)) += value_at(picture, y, x, c) / 4;
      }
    }
  }
  return ground;
}

bool is_ground(const Picture& picture, const Color& ground, std::int64_t y, std::int64_t x) {
  for (std::int64_t c = 0; c < picture.channels; ++c) {
    if (std::abs(value_at(picture, y, x, c) - ground.at(static_cast<std::size_t>(c))) > kTolerance) {
      return false;
    }
  }
  return true;
}

/// What is left when lines of nothing but ground are taken from all four sides.
Box trimmed(const Picture& picture, const Color& ground, const std::string& file) {
  Box box{picture.height, picture.width, 0, 0};
  for (std::int64_t y = 0; y < picture.height; ++y) {
    for (std::int64_t x = 0; x < picture.width; ++x) {
      if (!is_ground(picture, ground, y, x)) {
        box = {std::min(box.top, y), std::min(box.left, x), std::max(box.bottom, y + 1), std::max(box.right, x + 1)};
      }
    }
  }
  if (box.bottom <= box.top) {
    throw Error(ErrorKind::kData, file, "shows nothing: every pixel has the colour of the corners", {},
                "a photograph of one thing on a plain ground");
  }
  return box;
}

/// The box brought to at most height x width by leaving out (or repeating) rows and columns.
Picture sampled(const Picture& picture, const Box& box, std::int64_t height, std::int64_t width) {
  const double rows = static_cast<double>(box.bottom - box.top);
  const double columns = static_cast<double>(box.right - box.left);
  const double step = std::max(rows / static_cast<double>(height), columns / static_cast<double>(width));
  const auto extent = [&](double from, std::int64_t most) {
    return std::clamp<std::int64_t>(std::llround(from / step), 1, most);
  };
  Picture result{extent(rows, height), extent(columns, width), picture.channels, {}};
  for (std::int64_t y = 0; y < result.height; ++y) {
    for (std::int64_t x = 0; x < result.width; ++x) {
      const auto place = [&](std::int64_t at, std::int64_t count, double from) {
        return static_cast<std::int64_t>((static_cast<double>(at) + 0.5) * from / static_cast<double>(count));
      };
      for (std::int64_t c = 0; c < picture.channels; ++c) {
        result.pixels.push_back(static_cast<std::uint8_t>(
            value_at(picture, box.top + place(y, result.height, rows), box.left + place(x, result.width, columns), c)));
      }
    }
  }
  return result;
}

/// The mean of the 3 x 3 places around (y, x) by weights of rows and of columns; beyond the edge is the edge.
double blurred_at(const Picture& picture, const std::array<double, 3>& weights, std::int64_t y, std::int64_t x,
                  std::int64_t c) {
  double blurred = 0;
  for (std::int64_t i = -1; i <= 1; ++i) {
    for (std::int64_t j = -1; j <= 1; ++j) {
      const double weight = weights.at(static_cast<std::size_t>(i + 1)) * weights.at(static_cast<std::size_t>(j + 1));
      blurred += weight * value_at(picture, std::clamp<std::int64_t>(y + i, 0, picture.height - 1),
                                   std::clamp<std::int64_t>(x + j, 0, picture.width - 1), c);
    }
  }
  return blurred;
}

/// Unsharp masking: the picture and what a Gaussian of deviation 1, cut at radius 1, takes from it.
Picture sharpened(const Picture& picture) {
  const double side = std::exp(-0.5);
  const std::array<double, 3> weights = {side / (1 + 2 * side), 1 / (1 + 2 * side), side / (1 + 2 * side)};
  Picture result = picture;
  for (std::int64_t y = 0; y < picture.height; ++y) {
    for (std::int64_t x = 0; x < picture.width; ++x) {
      for (std::int64_t c = 0; c < picture.channels; ++c) {
        const double blurred = blurred_at(picture, weights, y, x, c);
        const double value = value_at(picture, y, x, c);
        result.pixels[static_cast<std::size_t>((y * picture.width + x) * picture.channels + c)] =
            static_cast<std::uint8_t>(std::lround(std::clamp(2 * value - blurred, 0.0, kWhite)));
      }
    }
  }
  return result;
}

/// In the middle of a canvas of the ground's colour.
Picture centred(const Picture& picture, const Color& ground, std::int64_t height, std::int64_t width) {
  Picture canvas{height, width, picture.channels, {}};
  const std::int64_t top = (height - picture.height) / 2;
  const std::int64_t left = (width - picture.width) / 2;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const bool inside = y >= top && y < top + picture.height && x >= left && x < left + picture.width;
      for (std::int64_t c = 0; c < picture.channels; ++c) {
        const double value = inside ? value_at(picture, y - top, x - left, c) : ground.at(static_cast<std::size_t>(c));
        canvas.pixels.push_back(static_cast<std::uint8_t>(std::lround(value)));
      }
    }
  }
  return canvas;
}

}  // namespace

Pictures picture_from_photo(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                            std::int64_t channels) {
  const Picture photo = formats::with_channels(formats::read_picture_file(file), 3);
  const Color ground = ground_of(photo);
  const Box box = trimmed(photo, ground, file.string());
  Picture canvas = centred(sharpened(sampled(photo, box, height, width)), ground, height, width);
  for (std::uint8_t& pixel : canvas.pixels) {
    pixel = static_cast<std::uint8_t>(kWhite - pixel);
  }
  canvas = formats::with_channels(canvas, channels);
  return {1, canvas.height, canvas.width, canvas.channels, std::move(canvas.pixels)};
}

}  // namespace lapel
