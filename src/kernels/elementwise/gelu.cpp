#include "kernels/elementwise/elementwise.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/gelu.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/elementwise/activation_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class T>
struct Gelu {
  const void* input;
  void* output;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const auto y = load(d, static_cast<const T*>(input) + i);
    store(d, activated<T, ActivationKind::kGelu>(d, y), static_cast<T*>(output) + i);
  }
};

template <class T>
struct GeluBackward {
  const void* input;
  const void* output_grad;
  void* input_grad;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const auto y = load(d, static_cast<const T*>(input) + i);
    const auto grad = load(d, static_cast<const T*>(output_grad) + i);
    store(d, before_activation<T, ActivationKind::kGelu>(d, grad, y), static_cast<T*>(input_grad) + i);
  }
};

}  // namespace

void gelu(Dtype dtype, bool rounds_bfloat16, const void* input, void* output, std::size_t begin, std::size_t end) {
  with_type(dtype, rounds_bfloat16, [&](auto number) {
    for_each_vector(begin, end, Gelu<decltype(number)>{input, output});
  });
}

void gelu_backward(Dtype dtype, bool rounds_bfloat16, const void* input, const void* output_grad, void* input_grad,
                   std::size_t begin, std::size_t end) {
  with_type(dtype, rounds_bfloat16, [&](auto number) {
    for_each_vector(begin, end, GeluBackward<decltype(number)>{input, output_grad, input_grad});
  });
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(gelu);
HWY_EXPORT(gelu_backward);

class GeluOperator final : public SimdOperator {
 public:
  GeluOperator(const ActivationOp& op, const BuildOptions& options)
      : SimdOperator(options), numbers_(options.batch * op.size) {}

  [[nodiscard]] bool backward_reads_inputs() const override { return options().training && options().needs_input_grad; }

  void forward(const StepState& /*state*/) override {
    parallel_numbers(numbers_, [&](std::int64_t begin, std::int64_t end) {
      HWY_DYNAMIC_DISPATCH(gelu)
      (options().dtype, cpu().fast_bfloat16, binding().inputs[0], binding().output, static_cast<std::size_t>(begin),
       static_cast<std::size_t>(end));
    });
  }

  void backward(const StepState& /*state*/) override {
    if (input_grad() == nullptr) {
      return;
    }
    parallel_numbers(numbers_, [&](std::int64_t begin, std::int64_t end) {
      HWY_DYNAMIC_DISPATCH(gelu_backward)
      (options().dtype, cpu().fast_bfloat16, binding().inputs[0], binding().output_grad, input_grad(),
       static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    });
  }

 private:
  std::int64_t numbers_;
};

}  // namespace

std::unique_ptr<Operator> make_gelu_operator(const ActivationOp& op, const BuildOptions& options) {
  return std::make_unique<GeluOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
