#include "base/rng.h"
#include "kernels/augmentation.h"
#include "kernels/reference_operators.h"

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
          const RandomStream random{state.seed, RandomPurpose::kAugment, unit_, state.epoch,
                                    state.samples[static_cast<std::size_t>(row)]};
          value = at(random, row, y, x, c);
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
      const std::int64_t inside_y = inside(op_.fill, from_y, in().height);
      const std::int64_t inside_x = inside(op_.fill, from_x, in().width);
      return inside_y < 0 || inside_x < 0 ? op_.fill_value : static_cast<float>(number(row, inside_y, inside_x, c));
    };
    return static_cast<double>(
        bilinear(draw, value(top, left), value(top, left + 1), value(top + 1, left), value(top + 1, left + 1)));
  }

  RandomTranslationOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_random_flip(const RandomFlipOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceFlip>(op, options);
}

std::unique_ptr<Operator> make_reference_random_translation(const RandomTranslationOp& op,
                                                            const BuildOptions& options) {
  return std::make_unique<ReferenceTranslation>(op, options);
}

}  // namespace lapel::kernels
