#include "kernels/augment/augment.h"
#include "kernels/augment/augment_operator.h"
#include "kernels/augment/lines.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/augment/translation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// A line of the output: all its numbers have the same two shares, so that it is four loads and three multiply-adds of
/// neighbouring lines, in the order of `bilinear` (augmentation.h).
template <class T>
struct MixNeighbours {
  const NeighbourLine& line;

  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const T* const here = static_cast<const T*>(line.here) + i;
    const T* const below = static_cast<const T*>(line.below) + i;
    const auto upper = mixed(d, load(d, here), load(d, here + line.channels), line.right_share);
    const auto lower = mixed(d, load(d, below), load(d, below + line.channels), line.right_share);
    store(d, mixed(d, upper, lower, line.down_share), static_cast<T*>(line.to) + i);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> mixed(D d, hn::Vec<D> a, hn::Vec<D> b, float share) {
    return hn::MulAdd(hn::Sub(b, a), hn::Set(d, share), a);
  }
};

}  // namespace

void mix_neighbours(Dtype dtype, const NeighbourLine& line) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(0, line.count, MixNeighbours<float>{line});
  } else {
    for_each_vector(0, line.count, MixNeighbours<std::uint16_t>{line});
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>

namespace lapel::kernels {

namespace {

HWY_EXPORT(mix_neighbours);

/// Of each line, the stretch that comes from within the picture is made as one; the places beside it one by one. Moves
/// are of some places, so that nearly all of a line is the stretch.
class TranslationOperator final : public AugmentOperator {
 public:
  TranslationOperator(const RandomTranslationOp& op, const BuildOptions& options)
      : AugmentOperator(op.in, op.unit, options), op_(op) {}

 private:
  void change(const RandomStream& random, const float* from, float* to) const override { move(random, from, to); }
  void change(const RandomStream& random, const std::uint16_t* from, std::uint16_t* to) const override {
    move(random, from, to);
  }

  /// [begin, end) are the places of a line that come from within it. They are made by move_stretch where the lines they
  /// come from are there, too; all others by move_place, before and behind.
  template <class T>
  void move(const RandomStream& random, const T* from, T* to) const {
    const TranslationDraw draw = draw_translation(op_, random);
    const bool whole = draw.down.share == 0 && draw.right.share == 0;
    const std::int64_t reach = whole ? 0 : 1;  // to the places after those that numbers come from
    const std::int64_t begin = std::clamp<std::int64_t>(-draw.right.places, 0, in().width);
    const std::int64_t end = std::clamp<std::int64_t>(in().width - draw.right.places - reach, begin, in().width);
    for (std::int64_t y = 0; y < in().height; ++y) {
      T* const line = to + y * in().width * in().channels;
      const bool in_one = move_stretch(draw, from, y, begin, end, line);
      for (std::int64_t x = in_one && begin == 0 ? end : 0; x < in().width;
           x = in_one && x + 1 == begin ? end : x + 1) {
        move_place(draw, whole, from, y, x, line + x * in().channels);
      }
    }
  }

  /// False where the fill value has a part in it: then nothing is done.
  template <class T>
  bool move_stretch(const TranslationDraw& draw, const T* from, std::int64_t y, std::int64_t begin, std::int64_t end,
                    T* line) const {
    const std::int64_t row = inside(op_.fill, y + draw.down.places, in().height);
    const std::int64_t next = inside(op_.fill, y + draw.down.places + 1, in().height);
    const bool whole = draw.down.share == 0 && draw.right.share == 0;
    if (row < 0 || (next < 0 && !whole) || begin == end) {
      return false;
    }
    const auto source = [&](std::int64_t at) {
      return from + (at * in().width + begin + draw.right.places) * in().channels;
    };
    const std::int64_t count = (end - begin) * in().channels;
    if (whole) {
      std::copy_n(source(row), count, line + begin * in().channels);
    } else {
      HWY_DYNAMIC_DISPATCH(mix_neighbours)
      (options().dtype, {.here = source(row),
                         .below = source(next),
                         .to = line + begin * in().channels,
                         .count = static_cast<std::size_t>(count),
                         .channels = static_cast<std::size_t>(in().channels),
                         .right_share = draw.right.share,
                         .down_share = draw.down.share});
    }
    return true;
  }

  template <class T>
  void move_place(const TranslationDraw& draw, bool whole, const T* from, std::int64_t y, std::int64_t x,
                  T* target) const {
    const auto corner = [&](std::int64_t down, std::int64_t right) {
      return place(from, y + draw.down.places + down, x + draw.right.places + right);
    };
    const T* const here = corner(0, 0);
    if (whole) {
      for (std::int64_t c = 0; c < in().channels; ++c) {
        here == nullptr ? put(op_.fill_value, target[c]) : void(target[c] = here[c]);
      }
      return;
    }
    const T* const right = corner(0, 1);
    const T* const below = corner(1, 0);
    const T* const below_right = corner(1, 1);
    for (std::int64_t c = 0; c < in().channels; ++c) {
      const auto value = [&](const T* at) { return at == nullptr ? op_.fill_value : as_float(at[c]); };
      put(bilinear(draw.right.share, draw.down.share, value(here), value(right), value(below), value(below_right)),
          target[c]);
    }
  }

  /// The vector of channels that stands there; null for what the fill value is for.
  template <class T>
  [[nodiscard]] const T* place(const T* from, std::int64_t y, std::int64_t x) const {
    const std::int64_t row = inside(op_.fill, y, in().height);
    const std::int64_t column = inside(op_.fill, x, in().width);
    return row < 0 || column < 0 ? nullptr : from + (row * in().width + column) * in().channels;
  }

  RandomTranslationOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_random_translation_operator(const RandomTranslationOp& op, const BuildOptions& options) {
  return std::make_unique<TranslationOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
