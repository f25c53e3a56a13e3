#include <algorithm>
#include <string>

#include "kernels/augment/augment.h"
#include "kernels/augment/augment_operator.h"

namespace lapel::kernels {

namespace {

/// Lines from left to right as they are or reversed, from the first or from the last one on. Channels of a place stay
/// in their order.
class FlipOperator final : public AugmentOperator {
 public:
  FlipOperator(const RandomFlipOp& op, const BuildOptions& options)
      : AugmentOperator(op.in, op.unit, options), op_(op) {}

  [[nodiscard]] std::string implementation() const override { return "rows"; }

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

/// A copy, and a box over it: rows of the box are filled.
class ErasingOperator final : public AugmentOperator {
 public:
  ErasingOperator(const RandomErasingOp& op, const BuildOptions& options)
      : AugmentOperator(op.in, op.unit, options), op_(op) {}

  [[nodiscard]] std::string implementation() const override { return "rows"; }

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

  /// Four numbers from each block of random bits. Number i of the picture has its own place in the stream, so that the
  /// noise does not depend on where the box lies.
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

std::unique_ptr<Operator> make_random_erasing_operator(const RandomErasingOp& op, const BuildOptions& options) {
  return std::make_unique<ErasingOperator>(op, options);
}

}  // namespace lapel::kernels
