#include <fmt/format.h>

#include <vector>

#include "kernels/elementwise/function.h"
#include "kernels/simd/simd_operator.h"
#include "lapel/error.h"

namespace lapel::kernels {

// The list. Each line declares the formula's name here, in the namespace; its file has the rest.
// clang-format off
constexpr ElementwiseFunction (*kFunctions[])() = {
    elementwise_function<struct Gelu>,
    elementwise_function<struct LeakyRelu>,
    elementwise_function<struct Elu>,
    elementwise_function<struct Relu6>,
    elementwise_function<struct Silu>,
    elementwise_function<struct HardSilu>,
};
// clang-format on

std::span<const ElementwiseFunction> elementwise_functions() {
  static const std::vector<ElementwiseFunction> kMade = [] {
    std::vector<ElementwiseFunction> made;
    for (const auto& function : kFunctions) {
      made.push_back(function());
    }
    return made;
  }();
  return kMade;
}

const ElementwiseFunction& find_elementwise_function(std::string_view name) {
  for (const ElementwiseFunction& function : elementwise_functions()) {
    if (function.name == name || function.alias == name) {
      return function;
    }
  }
  throw Error(ErrorKind::kInternal, {}, fmt::format("no function is named \"{}\"", name));
}

namespace {

/// Backward reads the input and computes what it needs again: to store the derivative would be a pass's traffic more.
class ElementwiseOperator final : public SimdOperator {
 public:
  ElementwiseOperator(const ElementwiseOp& op, const BuildOptions& options)
      : SimdOperator(options),
        run_(find_elementwise_function(op.function).run),
        parameters_(op.parameters),
        numbers_(options.batch * op.size) {}

  [[nodiscard]] bool backward_reads_inputs() const override { return options().training && options().needs_input_grad; }

  void forward(const StepState& /*state*/) override { run(nullptr, binding().output); }
  void backward(const StepState& /*state*/) override {
    if (input_grad() != nullptr) {
      run(binding().output_grad, input_grad());
    }
  }

 private:
  void run(const void* output_grad, void* to) const {
    parallel_numbers(numbers_, [&](std::int64_t begin, std::int64_t end) {
      run_({options().dtype, cpu().fast_bfloat16, binding().inputs[0], output_grad, to, static_cast<std::size_t>(begin),
            static_cast<std::size_t>(end), parameters_});
    });
  }

  void (*run_)(const ElementwiseSpan& span);
  ElementwiseParameters parameters_;
  std::int64_t numbers_;
};

}  // namespace

std::unique_ptr<Operator> make_elementwise_operator(const ElementwiseOp& op, const BuildOptions& options) {
  return std::make_unique<ElementwiseOperator>(op, options);
}

}  // namespace lapel::kernels
