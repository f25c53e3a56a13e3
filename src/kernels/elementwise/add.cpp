#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/add.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// All inputs in one pass, whatever their number: the output is written once, and no sum between is rounded.
template <class T>
struct Sum {
  std::span<const void* const> inputs;
  T* to;
  float scale;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    auto sum = load(d, static_cast<const T*>(inputs[0]) + i);
    for (std::size_t k = 1; k < inputs.size(); ++k) {
      sum = hn::Add(sum, load(d, static_cast<const T*>(inputs[k]) + i));
    }
    store(d, hn::Mul(sum, hn::Set(d, scale)), to + i);
  }
};

}  // namespace

void sum_range(Dtype dtype, std::span<const void* const> inputs, float scale, void* to, std::size_t begin,
               std::size_t end) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(begin, end, Sum<float>{inputs, static_cast<float*>(to), scale});
  } else {
    for_each_vector(begin, end, Sum<std::uint16_t>{inputs, static_cast<std::uint16_t*>(to), scale});
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(sum_range);

/// Backward writes each input's gradient by itself: they are arrays of their own, overwritten.
class AddOperator final : public SimdOperator {
 public:
  AddOperator(const AddOp& op, const BuildOptions& options) : SimdOperator(options), op_(op) {}

  void forward(const StepState& /*state*/) override { sum(binding().inputs, binding().output); }

  void backward(const StepState& /*state*/) override {
    for (std::size_t k = 0; k < binding().inputs.size(); ++k) {
      if (void* grad = input_grad(k)) {
        const void* const from = binding().output_grad;
        sum({&from, 1}, grad);
      }
    }
  }

 private:
  /// Backward is the same with one input: the gradient, times the scale.
  void sum(std::span<const void* const> inputs, void* to) const {
    parallel_numbers(numbers(), [&](std::int64_t begin, std::int64_t end) {
      HWY_DYNAMIC_DISPATCH(sum_range)
      (options().dtype, inputs, static_cast<float>(op_.scale), to, static_cast<std::size_t>(begin),
       static_cast<std::size_t>(end));
    });
  }

  [[nodiscard]] std::int64_t numbers() const { return options().batch * op_.size; }

  AddOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_add_operator(const AddOp& op, const BuildOptions& options) {
  return std::make_unique<AddOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
