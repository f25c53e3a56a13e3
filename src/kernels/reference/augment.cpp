#include "base/rng.h"
#include "kernels/augment/augmentation.h"
#include "kernels/reference/operators.h"

namespace lapel::kernels {

namespace {

/// Numbers of a picture by place, where `at(row, y, x, c)` says what the output holds.
class ReferenceAugment : public ReferenceOperator {
 public:
  ReferenceAugment(const Shape& in, std::uint32_t unit, const BuildOptions& options)
      : ReferenceOperator(options), in_(in), unit_(unit) {}

  void forward(const StepState& state) override {
    for (std::int64_t row = 0; row < batch(); ++row) {
      for (std::int64_t i = 0; i < in_.size(); ++i) {
        const std::int64_t c = i % in_.channels;
        const std::int64_t x = i / in_.channels % in_.width;
        const std::int64_t y = i / in_.channels / in_.width;
        double value = number(row, y, x, c);
        if (state.training) {
          value = at(random_of_row(state, unit_, row), row, y, x, c);
        }
        mutable_output().set(row * in_.size() + i, value);
      }
    }
  }
  void backward(const StepState& /*state*/) override {}

 protected:
  [[nodiscard]] const Shape& in() const { return in_; }
  [[nodiscard]] double number(std::int64_t row, std::int64_t y, std::int64_t x, std::int64_t c) const {
    return input()[row * in_.size() + (y * in_.width + x) * in_.channels + c];
  }
  /// The same for a place that may lie outside.
  [[nodiscard]] double filled(FillMode fill, float fill_value, std::int64_t row, std::int64_t y, std::int64_t x,
                              std::int64_t c) const {
    const std::int64_t inside_y = inside(fill, y, in_.height);
    const std::int64_t inside_x = inside(fill, x, in_.width);
    return inside_y < 0 || inside_x < 0 ? static_cast<double>(fill_value) : number(row, inside_y, inside_x, c);
  }

 private:
  [[nodiscard]] virtual double at(const RandomStream& random, std::int64_t row, std::int64_t y, std::int64_t x,
                                  std::int64_t c) const = 0;

  Shape in_;
  std::uint32_t unit_;
};

class ReferenceFlip final : public ReferenceAugment {
 public:
  ReferenceFlip(const RandomFlipOp& op, const BuildOptions& options)
      : ReferenceAugment(op.in, op.unit, options), op_(op) {}

 private:
  [[nodiscard]] double at(const RandomStream& random, std::int64_t row, std::int64_t y, std::int64_t x,
                          std::int64_t c) const override {
    const FlipDraw draw = draw_flip(op_, random);
    return number(row, draw.vertical ? in().height - 1 - y : y, draw.horizontal ? in().width - 1 - x : x, c);
  }

  RandomFlipOp op_;
};

class ReferenceTranslation final : public ReferenceAugment {
 public:
  ReferenceTranslation(const RandomTranslationOp& op, const BuildOptions& options)
      : ReferenceAugment(op.in, op.unit, options), op_(op) {}

 private:
  [[nodiscard]] double at(const RandomStream& random, std::int64_t row, std::int64_t y, std::int64_t x,
                          std::int64_t c) const override {
    const TranslationDraw draw = draw_translation(op_, random);
    const std::int64_t top = y + draw.down.places;
    const std::int64_t left = x + draw.right.places;
    const auto value = [&](std::int64_t from_y, std::int64_t from_x) {
      return static_cast<float>(filled(op_.fill, op_.fill_value, row, from_y, from_x, c));
    };
    return static_cast<double>(bilinear(draw.right.share, draw.down.share, value(top, left), value(top, left + 1),
                                        value(top + 1, left), value(top + 1, left + 1)));
  }

  RandomTranslationOp op_;
};

class ReferenceAffine final : public ReferenceAugment {
 public:
  ReferenceAffine(const RandomAffineOp& op, const BuildOptions& options)
      : ReferenceAugment(op.in, op.unit, options), op_(op) {}

 private:
  [[nodiscard]] double at(const RandomStream& random, std::int64_t row, std::int64_t y, std::int64_t x,
                          std::int64_t c) const override {
    const AffineDraw draw = draw_affine(op_, random);
    const double from_x = static_cast<double>(draw.x_x * x + draw.x_y * y + draw.x_0) / kAffineOne;
    const double from_y = static_cast<double>(draw.y_x * x + draw.y_y * y + draw.y_0) / kAffineOne;
    const auto value = [&](double place_y, double place_x) {
      return filled(op_.fill, op_.fill_value, row, static_cast<std::int64_t>(place_y),
                    static_cast<std::int64_t>(place_x), c);
    };
    if (!op_.bilinear) {
      return value(std::floor(from_y + 0.5), std::floor(from_x + 0.5));
    }
    const double left = std::floor(from_x);
    const double top = std::floor(from_y);
    const double upper = std::lerp(value(top, left), value(top, left + 1), from_x - left);
    const double lower = std::lerp(value(top + 1, left), value(top + 1, left + 1), from_x - left);
    return std::lerp(upper, lower, from_y - top);
  }

  RandomAffineOp op_;
};

class ReferenceErasing final : public ReferenceAugment {
 public:
  ReferenceErasing(const RandomErasingOp& op, const BuildOptions& options)
      : ReferenceAugment(op.in, op.unit, options), op_(op) {}

 private:
  [[nodiscard]] double at(const RandomStream& random, std::int64_t row, std::int64_t y, std::int64_t x,
                          std::int64_t c) const override {
    if (!draw_erasing(op_, random).contains(y, x)) {
      return number(row, y, x, c);
    }
    const std::int64_t index = (y * in().width + x) * in().channels + c;
    return static_cast<double>(op_.noise ? erasing_noise(random.bits(kErasingNoise + static_cast<std::uint64_t>(index)))
                                         : op_.fill_value);
  }

  RandomErasingOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_random_flip(const RandomFlipOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceFlip>(op, options);
}

std::unique_ptr<Operator> make_reference_random_translation(const RandomTranslationOp& op,
                                                            const BuildOptions& options) {
  return std::make_unique<ReferenceTranslation>(op, options);
}

std::unique_ptr<Operator> make_reference_random_affine(const RandomAffineOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceAffine>(op, options);
}

std::unique_ptr<Operator> make_reference_random_erasing(const RandomErasingOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceErasing>(op, options);
}

}  // namespace lapel::kernels
