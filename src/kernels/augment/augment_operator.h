#pragma once

#include <cstdint>

#include "kernels/augment/augmentation.h"
#include "kernels/bfloat16.h"
#include "kernels/simd/simd_operator.h"

namespace lapel::kernels {

/// What the operators share that change each picture of a batch by itself, in training alone. A picture is one
/// thread's: pictures are divided, as each draws its own numbers and is a few KiB.
class AugmentOperator : public SimdOperator {
 public:
  AugmentOperator(const Shape& in, std::uint32_t unit, const BuildOptions& options)
      : SimdOperator(options), in_(in), unit_(unit) {}

  void forward(const StepState& state) override {
    if (!state.training) {
      copy(binding().inputs.at(0), binding().output, options().batch * in_.size());
      return;
    }
    check_samples(state);
    parallel_rows(options().batch, in_.size(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const RandomStream random = random_of_row(state, unit_, row);
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

  static float as_float(float value) { return value; }
  static float as_float(std::uint16_t value) { return float_from_bfloat16(value); }
  static void put(float value, float& to) { to = value; }
  static void put(float value, std::uint16_t& to) { to = bfloat16_from_float(value); }

 private:
  /// One picture, h x w x c, to another one; `from` and `to` do not overlap. For each type, as virtual functions are no
  /// templates; both call one.
  virtual void change(const RandomStream& random, const float* from, float* to) const = 0;
  virtual void change(const RandomStream& random, const std::uint16_t* from, std::uint16_t* to) const = 0;

  template <class T, class Memory>
  [[nodiscard]] T* picture(Memory* batch, std::int64_t row) const {
    return static_cast<T*>(batch) + row * in_.size();
  }

  Shape in_;
  std::uint32_t unit_;
};

}  // namespace lapel::kernels
