#include <algorithm>

#include "kernels/augment_operator.h"
#include "kernels/bfloat16.h"
#include "kernels/simd_operators.h"

namespace lapel::kernels {

namespace {

class FlipOperator final : public AugmentOperator {
 public:
  FlipOperator(const RandomFlipOp& op, const BuildOptions& options)
      : AugmentOperator(op.in, op.unit, options), op_(op) {}

 private:
  void change(const RandomStream& random, const float* from, float* to) const override { flip(random, from, to); }
  void change(const RandomStream& random, const std::uint16_t* from, std::uint16_t* to) const override {
    flip(random, from, to);
  }

  template <class T>
  void flip(const RandomStream& random, const T* from, T* to) const {
    const FlipDraw draw = draw_flip(op_, random);
    const std::int64_t line = in().width * in().channels;
    for (std::int64_t y = 0; y < in().height; ++y) {
      const T* source = from + (draw.vertical ? in().height - 1 - y : y) * line;
      T* target = to + y * line;
      if (!draw.horizontal) {
        std::copy_n(source, line, target);
      } else if (in().channels == 1) {
        std::reverse_copy(source, source + line, target);
      } else {
        for (std::int64_t x = 0; x < in().width; ++x) {
          std::copy_n(source + (in().width - 1 - x) * in().channels, in().channels, target + x * in().channels);
        }
      }
    }
  }

  RandomFlipOp op_;
};

float as_float(float value) { return value; }
float as_float(std::uint16_t value) { return float_from_bfloat16(value); }
void put(float value, float& to) { to = value; }
void put(float value, std::uint16_t& to) { to = bfloat16_from_float(value); }

/// Moves by whole places first, line by line; what is left of the move mixes neighbours.
class TranslationOperator final : public AugmentOperator {
 public:
  TranslationOperator(const RandomTranslationOp& op, const BuildOptions& options)
      : AugmentOperator(op.in, op.unit, options), op_(op) {}

 private:
  void change(const RandomStream& random, const float* from, float* to) const override { move(random, from, to); }
  void change(const RandomStream& random, const std::uint16_t* from, std::uint16_t* to) const override {
    move(random, from, to);
  }

  template <class T>
  void move(const RandomStream& random, const T* from, T* to) const {
    const TranslationDraw draw = draw_translation(op_, random);
    const bool whole = draw.down.share == 0 && draw.right.share == 0;
    for (std::int64_t y = 0; y < in().height; ++y) {
      T* const line = to + y * in().width * in().channels;
      const auto put_place = [&](std::int64_t x) {
        T* const target = line + x * in().channels;
        whole ? copy_place(place(from, y + draw.down.places, x + draw.right.places), target)
              : mix(draw, from, y, x, target);
      };
      std::int64_t begin = 0;  // of the stretch that is copied as one
      std::int64_t end = 0;
      const std::int64_t row = inside(op_.fill, y + draw.down.places, in().height);
      if (whole && row >= 0 && std::abs(draw.right.places) < in().width) {
        begin = std::max<std::int64_t>(0, -draw.right.places);
        end = std::min(in().width, in().width - draw.right.places);
        std::copy_n(from + (row * in().width + begin + draw.right.places) * in().channels,
                    (end - begin) * in().channels, line + begin * in().channels);
      }
      for (std::int64_t x = 0; x < begin; ++x) {
        put_place(x);
      }
      for (std::int64_t x = end; x < in().width; ++x) {
        put_place(x);
      }
    }
  }

  template <class T>
  void copy_place(const T* source, T* target) const {
    for (std::int64_t c = 0; c < in().channels; ++c) {
      source == nullptr ? put(op_.fill_value, target[c]) : void(target[c] = source[c]);
    }
  }

  template <class T>
  void mix(const TranslationDraw& draw, const T* from, std::int64_t y, std::int64_t x, T* target) const {
    const T* const corners[2][2] = {{place(from, y + draw.down.places, x + draw.right.places),
                                     place(from, y + draw.down.places, x + draw.right.places + 1)},
                                    {place(from, y + draw.down.places + 1, x + draw.right.places),
                                     place(from, y + draw.down.places + 1, x + draw.right.places + 1)}};
    for (std::int64_t c = 0; c < in().channels; ++c) {
      const auto value = [&](const T* corner) { return corner == nullptr ? op_.fill_value : as_float(corner[c]); };
      put(bilinear(draw.right.share, draw.down.share, value(corners[0][0]), value(corners[0][1]), value(corners[1][0]),
                   value(corners[1][1])),
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

class ErasingOperator final : public AugmentOperator {
 public:
  ErasingOperator(const RandomErasingOp& op, const BuildOptions& options)
      : AugmentOperator(op.in, op.unit, options), op_(op) {}

 private:
  void change(const RandomStream& random, const float* from, float* to) const override { erase(random, from, to); }
  void change(const RandomStream& random, const std::uint16_t* from, std::uint16_t* to) const override {
    erase(random, from, to);
  }

  template <class T>
  void erase(const RandomStream& random, const T* from, T* to) const {
    std::copy_n(from, in().size(), to);
    const Box box = draw_erasing(op_, random);
    const std::int64_t count = (box.right - box.left) * in().channels;
    for (std::int64_t y = box.top; y < box.bottom; ++y) {
      const std::int64_t first = (y * in().width + box.left) * in().channels;
      if (op_.noise) {
        fill_noise(random, first, count, to);
      } else {
        std::for_each_n(to + first, count, [&](T& number) { put(op_.fill_value, number); });
      }
    }
  }

  /// Four numbers from each block of random bits.
  template <class T>
  static void fill_noise(const RandomStream& random, std::int64_t first, std::int64_t count, T* to) {
    for (std::int64_t i = first; i < first + count;) {
      const std::uint64_t index = kErasingNoise + static_cast<std::uint64_t>(i);
      const auto bits = random.block(static_cast<std::uint32_t>(index / 4));
      for (std::size_t lane = index % 4; lane < 4 && i < first + count; ++lane, ++i) {
        put(erasing_noise(bits.at(lane)), to[i]);
      }
    }
  }

  RandomErasingOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_random_flip_operator(const RandomFlipOp& op, const BuildOptions& options) {
  return std::make_unique<FlipOperator>(op, options);
}

std::unique_ptr<Operator> make_random_translation_operator(const RandomTranslationOp& op, const BuildOptions& options) {
  return std::make_unique<TranslationOperator>(op, options);
}

std::unique_ptr<Operator> make_random_erasing_operator(const RandomErasingOp& op, const BuildOptions& options) {
  return std::make_unique<ErasingOperator>(op, options);
}

}  // namespace lapel::kernels
