#pragma once

#include <array>
#include <cstdint>

#include "kernels/ops.h"

namespace lapel::kernels::testing {

/// Of pictures of `in` channels, `height` x `width`; `pads`: top, left, bottom, right.
inline Conv2DOp conv(std::int64_t in, std::int64_t height, std::int64_t width, std::int64_t filters,
                     std::array<std::int64_t, 2> kernel, std::array<std::int64_t, 2> strides = {1, 1},
                     std::array<std::int64_t, 4> pads = {0, 0, 0, 0}) {
  Conv2DOp op;
  op.in = Shape::image(in, height, width);
  op.kernel = kernel;
  op.strides = strides;
  op.pad_top = pads[0];
  op.pad_left = pads[1];
  op.pad_bottom = pads[2];
  op.pad_right = pads[3];
  op.out = Shape::image(filters, (height + pads[0] + pads[2] - kernel[0]) / strides[0] + 1,
                        (width + pads[1] + pads[3] - kernel[1]) / strides[1] + 1);
  return op;
}

}  // namespace lapel::kernels::testing
