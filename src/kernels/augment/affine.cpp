#include "kernels/augment/augment.h"
#include "kernels/augment/augmentation.h"
#include "kernels/augment/lines.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/augment/affine.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class From, class To>
struct CopyNumbers {
  const From* from;
  To* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    store(d, load(d, from + i), to + i);
  }
};

/// One line of the output, in float, by whole vectors: what is written behind its end has no meaning. A lane is a
/// number, with its own place: x and y in fixed point are a multiplication and an addition each, their upper halves
/// are the place and their lower halves the shares. Then four gathers, whatever the rotation: no line of the input is
/// followed along, and no edge is asked for.
void affine_line(const AffineLine& line, float* to) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto stride_x = hn::Set(di, line.stride_x);
  const auto stride_y = hn::Set(di, line.stride_y);
  const auto start_x = hn::Set(di, line.start_x);
  const auto start_y = hn::Set(di, line.start_y);
  const auto width = hn::Set(di, line.row_numbers);
  const auto channels = hn::Set(di, line.channels);
  const auto fraction = hn::Set(di, 0xFFFF);
  const auto unit = hn::Set(d, 0x1p-16F);
  for (std::size_t i = 0; i < line.count; i += hn::Lanes(d)) {
    const auto place = hn::LoadU(di, line.places + i);
    const auto x = hn::Add(hn::Mul(place, stride_x), start_x);
    const auto y = hn::Add(hn::Mul(place, stride_y), start_y);
    const auto row = hn::Mul(hn::ShiftRight<16>(y), width);
    const auto column = hn::Mul(hn::ShiftRight<16>(x), channels);
    const auto here = hn::Add(hn::Add(row, column), hn::LoadU(di, line.channel_of + i));
    if (!line.bilinear) {
      hn::StoreU(hn::GatherIndex(d, line.from, here), d, to + i);
      continue;
    }
    const auto right_share = hn::Mul(hn::ConvertTo(d, hn::And(x, fraction)), unit);
    const auto down_share = hn::Mul(hn::ConvertTo(d, hn::And(y, fraction)), unit);
    const auto below = hn::Add(here, width);
    const auto h0 = hn::GatherIndex(d, line.from, here);
    const auto h1 = hn::GatherIndex(d, line.from, hn::Add(here, channels));
    const auto b0 = hn::GatherIndex(d, line.from, below);
    const auto b1 = hn::GatherIndex(d, line.from, hn::Add(below, channels));
    const auto upper = hn::MulAdd(hn::Sub(h1, h0), right_share, h0);
    const auto lower = hn::MulAdd(hn::Sub(b1, b0), right_share, b0);
    hn::StoreU(hn::MulAdd(hn::Sub(lower, upper), down_share, upper), d, to + i);
  }
}

}  // namespace

/// All lines of a picture in one call: one dispatch for each picture and not for each of its lines. Behind each line
/// the next one overwrites what was written too much.
void affine_lines(const AffineLine& first, std::size_t lines, std::int32_t next_x, std::int32_t next_y, float* to) {
  AffineLine line = first;
  for (std::size_t y = 0; y < lines; ++y) {
    affine_line(line, to + y * line.count);
    line.start_x += next_x;
    line.start_y += next_y;
  }
}

void widen(Dtype dtype, const void* from, std::size_t count, float* to) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(0, count, CopyNumbers<float, float>{static_cast<const float*>(from), to});
  } else {
    for_each_vector(0, count, CopyNumbers<std::uint16_t, float>{static_cast<const std::uint16_t*>(from), to});
  }
}

void narrow(Dtype dtype, const float* from, std::size_t count, void* to) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(0, count, CopyNumbers<float, float>{from, static_cast<float*>(to)});
  } else {
    for_each_vector(0, count, CopyNumbers<float, std::uint16_t>{from, static_cast<std::uint16_t*>(to)});
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/buffer.h"

namespace lapel::kernels {

namespace {

HWY_EXPORT(affine_lines);
HWY_EXPORT(widen);
HWY_EXPORT(narrow);

/// More numbers than any vector has: as many are read and written behind the last line.
constexpr std::int64_t kMostLanes = 64;

std::int32_t narrowed(std::int64_t value) { return static_cast<std::int32_t>(value); }

/// A picture in floats with what lies beyond its edges, as far as a draw reaches: so a line of the output needs no test
/// where its numbers come from.
class AffineOperator final : public SimdOperator {
 public:
  AffineOperator(const RandomAffineOp& op, const BuildOptions& options)
      : SimdOperator(options), op_(op), parts_(omp_get_max_threads()) {
    const std::int64_t line = op.in.width * op.in.channels;
    for (std::int64_t i = 0; i < line + kMostLanes; ++i) {
      places_.push_back(i < line ? narrowed(i / op.in.channels) : 0);
      channel_of_.push_back(i < line ? narrowed(i % op.in.channels) : 0);
    }
    // The longest diagonal that a draw reaches, of which any rotation and the largest zoom are within.
    const double largest = 1 + std::max({op.height_zoom[1], op.same_zoom ? 0 : op.width_zoom[1], 0.0});
    const auto reach = static_cast<std::int64_t>(
        std::ceil(largest * std::hypot(static_cast<double>(op.in.height), static_cast<double>(op.in.width))));
    wide_numbers_ = (std::max(reach, op.in.height) + 4) * (std::max(reach, op.in.width) + 4) * op.in.channels;
  }

  [[nodiscard]] std::size_t scratch_bytes() const override { return static_cast<std::size_t>(parts_) * part_bytes(); }

  void forward(const StepState& state) override {
    if (!state.training) {
      copy(binding().inputs.at(0), binding().output, options().batch * op_.in.size());
      return;
    }
    check_samples(state);
    parallel_for(parts_, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        auto* const scratch = reinterpret_cast<float*>(static_cast<std::byte*>(binding().scratch) +
                                                       static_cast<std::size_t>(part) * part_bytes());
        for (std::int64_t row = options().batch * part / parts_; row < options().batch * (part + 1) / parts_; ++row) {
          change(draw_affine(op_, random_of_row(state, op_.unit, row)), row, scratch);
        }
      }
    });
  }
  void backward(const StepState& /*state*/) override {}

 private:
  /// What of the plane is copied: places from `top`, `left` to `bottom`, `right`, both included.
  struct Extent {
    std::int64_t top = 0, left = 0, bottom = 0, right = 0;
    [[nodiscard]] std::int64_t width() const { return right - left + 1; }
  };

  [[nodiscard]] std::size_t part_bytes() const {
    return Buffer::aligned(static_cast<std::size_t>(wide_numbers_) * sizeof(float)) +
           Buffer::apart(static_cast<std::size_t>(op_.in.size() + kMostLanes) * sizeof(float));
  }

  /// One picture: into the wide copy as floats, from there by gathers into floats, then to the plan's type. In bfloat16
  /// a gather of 16 bits would be needed, which no instruction set has.
  void change(const AffineDraw& draw, std::int64_t row, float* scratch) const {
    const auto width = static_cast<std::int64_t>(dtype_bytes(options().dtype));
    const auto* const from = static_cast<const std::byte*>(binding().inputs.at(0)) + row * op_.in.size() * width;
    auto* const to = static_cast<std::byte*>(binding().output) + row * op_.in.size() * width;
    float* const changed =
        scratch + Buffer::aligned(static_cast<std::size_t>(wide_numbers_) * sizeof(float)) / sizeof(float);
    const Extent extent = reach(draw);
    widen_picture(from, extent, scratch);
    const std::int32_t half = op_.bilinear ? 0 : kAffineOne / 2;  // The nearest place, by cutting off.
    const AffineLine line{.from = scratch,
                          .places = places_.data(),
                          .channel_of = channel_of_.data(),
                          .count = static_cast<std::size_t>(op_.in.width * op_.in.channels),
                          .bilinear = op_.bilinear,
                          .channels = narrowed(op_.in.channels),
                          .row_numbers = narrowed(extent.width() * op_.in.channels),
                          .start_x = draw.x_0 + half - narrowed(extent.left * kAffineOne),
                          .start_y = draw.y_0 + half - narrowed(extent.top * kAffineOne),
                          .stride_x = draw.x_x,
                          .stride_y = draw.y_x};
    HWY_DYNAMIC_DISPATCH(affine_lines)(line, static_cast<std::size_t>(op_.in.height), draw.x_y, draw.y_y, changed);
    HWY_DYNAMIC_DISPATCH(narrow)(options().dtype, changed, static_cast<std::size_t>(op_.in.size()), to);
  }

  /// The picture, and all places that the numbers of the output come from: the farthest are those of its corners, for
  /// the map is affine. One more to the right and below, for the neighbours.
  [[nodiscard]] Extent reach(const AffineDraw& draw) const {
    Extent extent{0, 0, op_.in.height - 1, op_.in.width - 1};
    for (const std::int64_t y : {std::int64_t{0}, op_.in.height - 1}) {
      for (const std::int64_t x : {std::int64_t{0}, op_.in.width - 1}) {
        const std::int64_t from_x = (draw.x_x * x + draw.x_y * y + draw.x_0) >> kAffineBits;
        const std::int64_t from_y = (draw.y_x * x + draw.y_y * y + draw.y_0) >> kAffineBits;
        extent = {std::min(extent.top, from_y), std::min(extent.left, from_x), std::max(extent.bottom, from_y + 1),
                  std::max(extent.right, from_x + 1)};
      }
    }
    return extent;
  }

  /// Copies the picture as floats, then fills what lies beside each of its lines and then whole lines, from what is
  /// there already: the fill mode is asked once for a column or a line, not for each number of the output.
  void widen_picture(const std::byte* from, const Extent& extent, float* to) const {
    const Shape& in = op_.in;
    const std::int64_t line = extent.width() * in.channels;
    const auto bytes = static_cast<std::int64_t>(dtype_bytes(options().dtype)) * in.width * in.channels;
    for (std::int64_t y = 0; y < in.height; ++y) {
      float* const target = to + (y - extent.top) * line;
      float* const first = target - extent.left * in.channels;
      HWY_DYNAMIC_DISPATCH(widen)
      (options().dtype, from + y * bytes, static_cast<std::size_t>(in.width * in.channels), first);
      for (std::int64_t x = extent.left < 0 ? extent.left : in.width; x <= extent.right;
           x = x == -1 ? in.width : x + 1) {
        const std::int64_t place = inside(op_.fill, x, in.width);
        for (std::int64_t c = 0; c < in.channels; ++c) {
          first[x * in.channels + c] = place < 0 ? op_.fill_value : first[place * in.channels + c];
        }
      }
    }
    for (std::int64_t y = extent.top < 0 ? extent.top : in.height; y <= extent.bottom;
         y = y == -1 ? in.height : y + 1) {
      const std::int64_t place = inside(op_.fill, y, in.height);
      float* const target = to + (y - extent.top) * line;
      if (place < 0) {
        std::fill_n(target, line, op_.fill_value);
      } else {
        std::copy_n(to + (place - extent.top) * line, line, target);
      }
    }
  }

  RandomAffineOp op_;
  std::int64_t parts_;
  std::vector<std::int32_t> places_;      // of each number of a line: its place
  std::vector<std::int32_t> channel_of_;  // and its channel
  std::int64_t wide_numbers_ = 0;
};

}  // namespace

std::unique_ptr<Operator> make_random_affine_operator(const RandomAffineOp& op, const BuildOptions& options) {
  return std::make_unique<AffineOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
