#include <algorithm>
#include <cmath>

#include "kernels/bfloat16.h"
#include "kernels/elementwise/function.h"
#include "kernels/reference/operators.h"
#include "kernels/reference/reference.h"

namespace lapel::kernels {

double reference_activation(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::kRelu:
      return x <= 0 ? 0 : x;
    case ActivationKind::kGelu:
      return find_elementwise_function("gelu").value(x, {});
    case ActivationKind::kTanh:
      return std::tanh(x);
    case ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    default:
      return x;
  }
}

double reference_slope(ActivationKind kind, double x, double y) {
  switch (kind) {
    case ActivationKind::kRelu:
      return y > 0 ? 1 : 0;
    case ActivationKind::kGelu:
      return find_elementwise_function("gelu").slope(x, {});
    case ActivationKind::kTanh:
      return 1 - y * y;
    case ActivationKind::kSigmoid:
      return y * (1 - y);
    default:
      return 1;
  }
}

namespace {

class ReferenceElementwise final : public ReferenceOperator {
 public:
  ReferenceElementwise(const ActivationOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return true; }

  void forward(const StepState& /*state*/) override {
    for (std::int64_t i = 0; i < batch() * op_.size; ++i) {
      mutable_output().set(i, reference_activation(op_.kind, input()[i]));
    }
  }

  void backward(const StepState& /*state*/) override {
    if (const MutableValues grad = input_grad()) {
      for (std::int64_t i = 0; i < batch() * op_.size; ++i) {
        grad.set(i, output_grad()[i] * reference_slope(op_.kind, input()[i], output()[i]));
      }
    }
  }

 private:
  ActivationOp op_;
};

/// A function of the list of elementwise/functions.cpp.
class ReferenceFunction final : public ReferenceOperator {
 public:
  ReferenceFunction(const ElementwiseOp& op, const BuildOptions& options)
      : ReferenceOperator(options), op_(op), function_(find_elementwise_function(op.function)) {}

  [[nodiscard]] bool backward_reads_inputs() const override { return true; }

  void forward(const StepState& /*state*/) override {
    for (std::int64_t i = 0; i < batch() * op_.size; ++i) {
      mutable_output().set(i, function_.value(input()[i], op_.parameters));
    }
  }

  void backward(const StepState& /*state*/) override {
    if (const MutableValues grad = input_grad()) {
      for (std::int64_t i = 0; i < batch() * op_.size; ++i) {
        grad.set(i, output_grad()[i] * function_.slope(input()[i], op_.parameters));
      }
    }
  }

 private:
  ElementwiseOp op_;
  const ElementwiseFunction& function_;
};

class ReferenceSoftmax final : public ReferenceOperator {
 public:
  ReferenceSoftmax(const ActivationOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  [[nodiscard]] bool backward_reads_output() const override { return true; }

  void forward(const StepState& /*state*/) override {
    for (std::int64_t row = 0; row < batch() * op_.size; row += op_.axis) {
      double largest = input()[row];
      for (std::int64_t i = 1; i < op_.axis; ++i) {
        largest = std::max(largest, input()[row + i]);
      }
      double sum = 0;
      for (std::int64_t i = 0; i < op_.axis; ++i) {
        sum += std::exp(input()[row + i] - largest);
      }
      for (std::int64_t i = 0; i < op_.axis; ++i) {
        mutable_output().set(row + i, std::exp(input()[row + i] - largest) / sum);
      }
    }
  }

  void backward(const StepState& /*state*/) override {
    const MutableValues grad = input_grad();
    if (!grad) {
      return;
    }
    for (std::int64_t row = 0; row < batch() * op_.size; row += op_.axis) {
      double mean = 0;
      for (std::int64_t i = 0; i < op_.axis; ++i) {
        mean += output()[row + i] * output_grad()[row + i];
      }
      for (std::int64_t i = 0; i < op_.axis; ++i) {
        grad.set(row + i, output()[row + i] * (output_grad()[row + i] - mean));
      }
    }
  }

 private:
  ActivationOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_function(const ElementwiseOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceFunction>(op, options);
}

std::unique_ptr<Operator> make_reference_activation(const ActivationOp& op, const BuildOptions& options) {
  if (op.kind == ActivationKind::kSoftmax) {
    return std::make_unique<ReferenceSoftmax>(op, options);
  }
  return std::make_unique<ReferenceElementwise>(op, options);
}

void reference_relu_backward(Dtype dtype, const ReluBackward& relu, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    if (dtype == Dtype::kFloat32) {
      const float output = static_cast<const float*>(relu.output)[i];
      static_cast<float*>(relu.to)[i] = output > 0 ? static_cast<const float*>(relu.output_grad)[i] : 0.0F;
    } else {
      const float output = float_from_bfloat16(static_cast<const std::uint16_t*>(relu.output)[i]);
      static_cast<std::uint16_t*>(relu.to)[i] =
          output > 0 ? static_cast<const std::uint16_t*>(relu.output_grad)[i] : std::uint16_t{0};
    }
  }
}

}  // namespace lapel::kernels
