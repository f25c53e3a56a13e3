#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "kernels/augmentation.h"
#include "kernels/bfloat16.h"
#include "kernels/simd_operator.h"
#include "kernels/simd_operators.h"

namespace lapel::kernels {

namespace {

/// What the operators share that change pictures in training alone.
class AugmentOperator : public SimdOperator {
 public:
  AugmentOperator(const Shape& in, std::uint32_t unit, const BuildOptions& options)
      : SimdOperator(options), in_(in), unit_(unit) {}

  [[nodiscard]] std::string implementation() const override { return "rows"; }

  void forward(const StepState& state) override {
    if (!state.training) {
      copy(binding().inputs.at(0), binding().output, options().batch * in_.size());
      return;
    }
    check_samples(state);
    parallel_rows(options().batch, in_.size(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const RandomStream random{state.seed, RandomPurpose::kAugment, unit_, state.epoch,
                                  state.samples[static_cast<std::size_t>(row)]};
        if (options().dtype == Dtype::kFloat32) {
          change(random, picture<const float>(binding().inputs.at(0), row), picture<float>(binding().output, row));
        } else {
          change(random, picture<const std::uint16_t>(binding().inputs.at(0), row),
                 picture<std::uint16_t>(binding().output, row));
        }
      }
    });
  }
  void backward(const StepState& /*state*/) override {}

 protected:
  [[nodiscard]] const Shape& in() const { return in_; }

 private:
  virtual void change(const RandomStream& random, const float* from, float* to) const = 0;
  virtual void change(const RandomStream& random, const std::uint16_t* from, std::uint16_t* to) const = 0;

  template <class T, class Memory>
  [[nodiscard]] T* picture(Memory* batch, std::int64_t row) const {
    return static_cast<T*>(batch) + row * in_.size();
  }

  Shape in_;
  std::uint32_t unit_;
};

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
    for (std::int64_t y = 0; y < in().height; ++y) {
      for (std::int64_t x = 0; x < in().width; ++x) {
        T* const target = to + (y * in().width + x) * in().channels;
        if (draw.down.share == 0 && draw.right.share == 0) {
          if (const T* source = place(from, y + draw.down.places, x + draw.right.places)) {
            std::copy_n(source, in().channels, target);
          } else {
            std::for_each_n(target, in().channels, [&](T& number) { put(op_.fill_value, number); });
          }
        } else {
          mix(draw, from, y, x, target);
        }
      }
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
      put(bilinear(draw, value(corners[0][0]), value(corners[0][1]), value(corners[1][0]), value(corners[1][1])),
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

std::unique_ptr<Operator> make_random_flip_operator(const RandomFlipOp& op, const BuildOptions& options) {
  return std::make_unique<FlipOperator>(op, options);
}

std::unique_ptr<Operator> make_random_translation_operator(const RandomTranslationOp& op, const BuildOptions& options) {
  return std::make_unique<TranslationOperator>(op, options);
}

}  // namespace lapel::kernels
