#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "base/rng.h"
#include "kernels/operator.h"
#include "kernels/ops.h"

/// What the random operators on pictures draw, and the arithmetic of their places: shared by the fast and the plain
/// operators, so that both change a picture in the same way.
namespace lapel::kernels {

/// The random numbers of one row of a batch.
[[nodiscard]] inline RandomStream random_of_row(const StepState& state, std::uint32_t unit, std::int64_t row) {
  return {state.seed, RandomPurpose::kAugment, unit, state.epoch, state.samples[static_cast<std::size_t>(row)]};
}

/// The point of a range that a uniform number chooses.
[[nodiscard]] inline double between(const std::array<double, 2>& range, float uniform) {
  return range[0] + static_cast<double>(uniform) * (range[1] - range[0]);
}

/// Which ways a picture is mirrored.
struct FlipDraw {
  bool horizontal = false;
  bool vertical = false;
};

[[nodiscard]] inline FlipDraw draw_flip(const RandomFlipOp& op, RandomStream random) {
  if (random.epoch < op.start_epoch) {
    return {};
  }
  // The first epoch is drawn; every other epoch from then on is its opposite. Epoch 0 stands for the numbers of all.
  bool other_side = false;
  if (op.alternating) {
    other_side = random.epoch % 2 == 0;
    random.epoch = 0;
  }
  return {op.horizontal && (random.uniform(0) < 0.5F) != other_side,
          op.vertical && (random.uniform(1) < 0.5F) != other_side};
}

/// Where a number comes from along one axis: `places` away, and by `share` (in [0, 1)) from the place after that.
struct Origin {
  std::int64_t places = 0;
  float share = 0;
};

/// The number at (y, x) comes from (y + down, x + right): the same for a whole picture.
struct TranslationDraw {
  Origin down;
  Origin right;
};

[[nodiscard]] TranslationDraw draw_translation(const RandomTranslationOp& op, const RandomStream& random);

/// Places in 16.16 fixed point: adding them is exact, so that a line's places are the same whether they are added up or
/// multiplied, in the fast operator and the plain one. Whole places end at kMostAffineExtent, far from 2^15.
inline constexpr int kAffineBits = 16;
inline constexpr std::int32_t kAffineOne = 1 << kAffineBits;

/// Where the number at (x, y) comes from: (x_x x + x_y y + x_0, y_x x + y_y y + y_0), all in 1/65536 of a pixel.
struct AffineDraw {
  std::int32_t x_x = kAffineOne, x_y = 0, x_0 = 0;
  std::int32_t y_x = 0, y_y = kAffineOne, y_0 = 0;
};

[[nodiscard]] AffineDraw draw_affine(const RandomAffineOp& op, const RandomStream& random);

/// The places from `top`, `left` on to before `bottom`, `right`.
struct Box {
  std::int64_t top = 0, left = 0, bottom = 0, right = 0;

  [[nodiscard]] bool contains(std::int64_t y, std::int64_t x) const {
    return y >= top && y < bottom && x >= left && x < right;
  }
  [[nodiscard]] std::int64_t places() const { return (bottom - top) * (right - left); }
};

/// Nothing: an empty box.
[[nodiscard]] Box draw_erasing(const RandomErasingOp& op, const RandomStream& random);

/// What stands at number `index` of an erased picture: a number of the normal distribution cut to [0, 1], by its
/// inverse (Wichura 1988, algorithm AS 241, PPND7). Half of them are 0 and a sixth 1; between lie shares of 0.5 to
/// 0.84, for which the algorithm's middle branch (up to 0.925) is all that is needed.
[[nodiscard]] float erasing_noise(std::uint32_t bits);

/// The random bits of erasing_noise: number kErasingNoise + index of the row's stream; a multiple of 4.
inline constexpr std::uint64_t kErasingNoise = 8;

/// A number of the distribution Beta(alpha, alpha), as a quotient of two of the gamma distribution (Marsaglia & Tsang
/// 2000) of logarithms, so that a small alpha gives 0 or 1 and not 0/0. Takes blocks of `random` from the second on,
/// the odd ones for one gamma and the even ones for the other: rejection takes as many as it needs of either.
[[nodiscard]] float draw_beta(double alpha, const RandomStream& random);

/// How far on in the batch the partner of a row stands: from 1 on; 0 in a batch of one.
[[nodiscard]] std::int64_t partner_distance(const StepState& state, std::uint32_t unit);

[[nodiscard]] inline std::int64_t partner_of(std::int64_t row, std::int64_t distance, std::int64_t rows) {
  return (row + distance) % rows;
}

/// What stays of the picture.
[[nodiscard]] inline float draw_mix_up(const MixUpOp& op, const RandomStream& random) {
  return random.epoch < op.start_epoch ? 1 : draw_beta(op.alpha, random);
}

/// What comes from the partner.
[[nodiscard]] Box draw_cut_mix(const CutMixOp& op, const RandomStream& random);

/// The place within a picture of `extent` places that stands at `place`, any number; -1 where a constant does.
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
[[nodiscard]] inline float bilinear(float right_share, float down_share, float here, float right, float below,
                                    float below_right) {
  const float upper = here + (right - here) * right_share;
  const float lower = below + (below_right - below) * right_share;
  return upper + (lower - upper) * down_share;
}

}  // namespace lapel::kernels
