#include "kernels/augment/augmentation.h"

#include <algorithm>
#include <numbers>

namespace lapel::kernels {

namespace {

/// So far from the blocks that a row draws for itself that none of them is it.
constexpr std::uint64_t kPartnerNumber = 0x3FFFFFFF0;

/// Where the number at place p comes from: p + places + share. Moved down by m, that is p - m, cut into a whole number
/// and a share in [0, 1).
Origin draw_origin(const std::array<double, 2>& factor, std::int64_t extent, bool bilinear, float uniform) {
  const double move = static_cast<double>(extent) * between(factor, uniform);
  if (!bilinear) {
    return {-std::llround(move), 0};
  }
  const double whole = std::floor(-move);
  return {static_cast<std::int64_t>(whole), static_cast<float>(-move - whole)};
}

std::int32_t fixed(double value) { return static_cast<std::int32_t>(std::llround(value * kAffineOne)); }

/// The whole places p with start <= p < start + length, where `start` is anywhere that leaves them within `extent`.
std::array<std::int64_t, 2> draw_stretch(double length, std::int64_t extent, float uniform) {
  const double start = static_cast<double>(uniform) * (static_cast<double>(extent) - length);
  const auto end = static_cast<std::int64_t>(std::ceil(start + length));
  return {static_cast<std::int64_t>(std::ceil(start)), std::min(end, extent)};
}

/// A box of these shares of height and width that lies within the picture. Its ends are rounded, so that its size may
/// differ by a place from draw to draw: targets are mixed by the places that were exchanged, not by the share.
Box draw_box(const Shape& in, double height_share, double width_share, float y, float x) {
  const auto rows = draw_stretch(height_share * static_cast<double>(in.height), in.height, y);
  const auto columns = draw_stretch(width_share * static_cast<double>(in.width), in.width, x);
  return {rows[0], columns[0], rows[1], columns[1]};
}

/// The logarithm of a number of Gamma(shape, 1), from every second block of `random` from `block` on. A block is one
/// attempt: two uniforms for a normal number (Box & Muller 1958), one for the acceptance, one for the step from shape
/// + 1 to a shape below 1, Gamma(a) = Gamma(a + 1) U^(1/a). More than 95% of attempts are accepted.
double draw_log_gamma(double shape, const RandomStream& random, std::uint32_t block) {
  const double grown = shape < 1 ? shape + 1 : shape;
  const double d = grown - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;; block += 2) {
    std::array<double, 4> uniform{};  // in (0, 1]
    const auto bits = random.block(block);
    std::transform(bits.begin(), bits.end(), uniform.begin(),
                   [](std::uint32_t one) { return (static_cast<double>(one) + 1) * 0x1p-32; });
    const double normal = std::sqrt(-2 * std::log(uniform[0])) * std::cos(2 * std::numbers::pi * uniform[1]);
    const double root = 1 + c * normal;
    const double v = root * root * root;
    if (v <= 0 || std::log(uniform[2]) > 0.5 * normal * normal + d - d * v + d * std::log(v)) {
      continue;
    }
    return std::log(d * v) + (shape < 1 ? std::log(uniform[3]) / shape : 0);
  }
}

}  // namespace

TranslationDraw draw_translation(const RandomTranslationOp& op, const RandomStream& random) {
  if (random.epoch < op.start_epoch) {
    return {};
  }
  return {draw_origin(op.height_factor, op.in.height, op.bilinear, random.uniform(0)),
          draw_origin(op.width_factor, op.in.width, op.bilinear, random.uniform(1))};
}

AffineDraw draw_affine(const RandomAffineOp& op, const RandomStream& random) {
  if (random.epoch < op.start_epoch) {
    return {};
  }
  const double angle = 2 * std::numbers::pi * between(op.rotation, random.uniform(0));
  const double zoom_y = 1 + between(op.height_zoom, random.uniform(1));
  const double zoom_x = op.same_zoom ? zoom_y : 1 + between(op.width_zoom, random.uniform(2));
  // R(a) Z about the middle, from the output's places to the input's: each output is written once, and there are no
  // holes. A larger zoom takes from further apart, and so makes the picture smaller.
  const double x_x = std::cos(angle) * zoom_x;
  const double x_y = -std::sin(angle) * zoom_y;
  const double y_x = std::sin(angle) * zoom_x;
  const double y_y = std::cos(angle) * zoom_y;
  const double middle_x = static_cast<double>(op.in.width - 1) / 2;
  const double middle_y = static_cast<double>(op.in.height - 1) / 2;
  return {fixed(x_x), fixed(x_y), fixed(middle_x - x_x * middle_x - x_y * middle_y),
          fixed(y_x), fixed(y_y), fixed(middle_y - y_x * middle_x - y_y * middle_y)};
}

Box draw_erasing(const RandomErasingOp& op, const RandomStream& random) {
  if (random.epoch < op.start_epoch ||
      static_cast<double>(random.uniform(1)) >= between(op.factor, random.uniform(0))) {
    return {};
  }
  return draw_box(op.in, std::sqrt(between(op.scale, random.uniform(3))),
                  std::sqrt(between(op.scale, random.uniform(2))), random.uniform(5), random.uniform(4));
}

float erasing_noise(std::uint32_t bits) {
  constexpr double kBelowOne = 0.8413447460685429;  // the normal distribution's share below 1
  const double share = (static_cast<double>(bits) + 0.5) * 0x1p-32;
  if (share <= 0.5) {
    return 0;
  }
  if (share >= kBelowOne) {
    return 1;
  }
  const double q = share - 0.5;
  const double r = 0.180625 - q * q;
  const double above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179;
  const double below = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1;
  return static_cast<float>(std::min(1.0, q * above / below));
}

// With X and Y of Gamma(alpha, 1), X / (X + Y) is 1 / (1 + exp(log Y - log X)). For alpha of 1e-6 both logarithms are
// some -1e6, and X and Y no numbers; their difference is.
float draw_beta(double alpha, const RandomStream& random) {
  const double difference = draw_log_gamma(alpha, random, 2) - draw_log_gamma(alpha, random, 1);
  return static_cast<float>(1 / (1 + std::exp(difference)));
}

// One distance for all rows makes partners a permutation: every row is mixed into exactly one other.
std::int64_t partner_distance(const StepState& state, std::uint32_t unit) {
  const auto rows = static_cast<std::uint32_t>(state.samples.size());
  return rows < 2 ? 0 : 1 + static_cast<std::int64_t>(random_of_row(state, unit, 0).below(kPartnerNumber, rows - 1));
}

Box draw_cut_mix(const CutMixOp& op, const RandomStream& random) {
  if (random.epoch < op.start_epoch) {
    return {};
  }
  const double alpha = between(op.factor, random.uniform(0)) + 1e-6;
  const double share = std::sqrt(1 - static_cast<double>(draw_beta(alpha, random)));
  return draw_box(op.in, share, share, random.uniform(2), random.uniform(1));
}

}  // namespace lapel::kernels
