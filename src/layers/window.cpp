#include "layers/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "lapel/error.h"

namespace lapel::layers {

namespace {

/// One axis of a WindowFit.
struct AxisFit {
  std::int64_t out = 0;
  std::int64_t before = 0;
  std::int64_t after = 0;
};

AxisFit fit_axis(std::int64_t in, std::int64_t size, std::int64_t stride, bool same) {
  if (!same) {
    return {(in - size) / stride + 1, 0, 0};
  }
  const std::int64_t out = (in + stride - 1) / stride;
  const std::int64_t zeros = std::max<std::int64_t>((out - 1) * stride + size - in, 0);
  return {out, zeros / 2, zeros - zeros / 2};
}

}  // namespace

void require_picture(const Shape& input) {
  if (input.flat) {
    throw Error(ErrorKind::kRecipe, {}, "needs a picture (height x width x channels), but its input is flat", {},
                "put it before Flatten");
  }
}

WindowFit fit_window(const Window& window, const Shape& input) {
  require_picture(input);
  if (!window.same && (window.size[0] > input.height || window.size[1] > input.width)) {
    const std::int64_t height = std::min(window.size[0], input.height);
    const std::int64_t width = std::min(window.size[1], input.width);
    throw Error(ErrorKind::kRecipe, {},
                fmt::format("{} {}x{} does not fit the {}x{} input (padding \"valid\")", window.name, window.size[0],
                            window.size[1], input.height, input.width),
                {},
                fmt::format("padding = \"same\", or {} = {}", window.size_option,
                            height == width ? fmt::format("{}", height) : fmt::format("[{}, {}]", height, width)));
  }
  const AxisFit vertical = fit_axis(input.height, window.size[0], window.strides[0], window.same);
  const AxisFit horizontal = fit_axis(input.width, window.size[1], window.strides[1], window.same);
  return {.out_height = vertical.out,
          .out_width = horizontal.out,
          .pad_top = vertical.before,
          .pad_left = horizontal.before,
          .pad_bottom = vertical.after,
          .pad_right = horizontal.after};
}

std::vector<std::string_view> padding_names() { return {"valid", "same"}; }

}  // namespace lapel::layers
