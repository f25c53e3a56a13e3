#pragma once

#include <cmath>
#include <cstdint>

#include "base/rng.h"
#include "kernels/ops.h"

/// What the random operators on pictures draw, and the arithmetic of their places: shared by the fast and the plain
/// operators, so that both change a picture in the same way.
namespace lapel::kernels {

struct FlipDraw {
  bool horizontal = false;
  bool vertical = false;
};

[[nodiscard]] inline FlipDraw draw_flip(const RandomFlipOp& op, const RandomStream& random) {
  return {op.horizontal && random.uniform(0) < 0.5F, op.vertical && random.uniform(1) < 0.5F};
}

/// Where a number comes from along one axis: `places` away, and by `share` (in [0, 1)) from the place after that.
struct Origin {
  std::int64_t places = 0;
  float share = 0;
};

struct TranslationDraw {
  Origin down;
  Origin right;
};

[[nodiscard]] inline Origin draw_origin(const std::array<double, 2>& factor, std::int64_t extent, bool bilinear,
                                        float uniform) {
  const double move =
      static_cast<double>(extent) * (factor[0] + static_cast<double>(uniform) * (factor[1] - factor[0]));
  if (!bilinear) {
    return {-std::llround(move), 0};
  }
  const double whole = std::floor(-move);
  return {static_cast<std::int64_t>(whole), static_cast<float>(-move - whole)};
}

[[nodiscard]] inline TranslationDraw draw_translation(const RandomTranslationOp& op, const RandomStream& random) {
  return {draw_origin(op.height_factor, op.in.height, op.bilinear, random.uniform(0)),
          draw_origin(op.width_factor, op.in.width, op.bilinear, random.uniform(1))};
}

/// The place within a picture of `extent` places that stands at `place`; -1 where a constant does.
[[nodiscard]] inline std::int64_t inside(FillMode mode, std::int64_t place, std::int64_t extent) {
  if (place >= 0 && place < extent) {
    return place;
  }
  switch (mode) {
    case FillMode::kConstant:
      return -1;
    case FillMode::kNearest:
      return place < 0 ? 0 : extent - 1;
    case FillMode::kWrap:
      return ((place % extent) + extent) % extent;
    case FillMode::kReflect: {
      const std::int64_t period = 2 * extent;
      const std::int64_t at = ((place % period) + period) % period;
      return at < extent ? at : period - 1 - at;
    }
  }
  return -1;
}

/// The mean of the four neighbours, each by its share.
[[nodiscard]] inline float bilinear(const TranslationDraw& draw, float here, float right, float below,
                                    float below_right) {
  const float upper = here * (1 - draw.right.share) + right * draw.right.share;
  const float lower = below * (1 - draw.right.share) + below_right * draw.right.share;
  return upper * (1 - draw.down.share) + lower * draw.down.share;
}

}  // namespace lapel::kernels
