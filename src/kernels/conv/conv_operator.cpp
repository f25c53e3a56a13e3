#include <algorithm>
#include <array>
#include <optional>

#include "base/buffer.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/forward.h"
#include "kernels/conv/gradient.h"
#include "kernels/elementwise/relu.h"

namespace lapel::kernels {
namespace {

/// Inputs are blocks of pairs in both directions.
constexpr std::int64_t kBlock = 16;

/// Forward, and the two gradients of backward one after the other, each over all threads. None needs oneDNN, so that a
/// net of such layers keeps its threads in one team.
class ConvOperator final : public Operator {
 public:
  ConvOperator(const Conv2DOp& op, const BuildOptions& options)
      : op_(op),
        outputs_(options.batch * op.out.size()),
        backward_relu_(options.training && op.activation == ActivationKind::kRelu),
        layouts_{ConvForward::layout(op)},
        forward_(op, options.batch) {
    if (op.bias) {
      layouts_.push_back(WeightLayout::plain({op.out.channels}));
    }
    if (options.training) {
      weights_gradient_.emplace(op, Dtype::kBfloat16, options.batch, layouts_[0]);
      if (options.needs_input_grad) {
        input_gradient_.emplace(ConvForward::transposed(op), options.batch);
      }
    }
    divide_scratch();
  }

  std::string implementation() const override { return "lapel:avx512_bf16"; }
  std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  bool backward_reads_inputs() const override { return weights_gradient_.has_value(); }
  bool backward_reads_output() const override { return backward_relu_; }
  bool works_in_team() const override { return true; }
  void bind(const Binding& binding) override { binding_ = binding; }

  void forward(const StepState& /*state*/) override {
    forward_.run(static_cast<const std::uint16_t*>(binding_.inputs.at(0)), weights(),
                 op_.bias ? static_cast<const float*>(binding_.weights.at(1)) : nullptr,
                 static_cast<std::uint16_t*>(binding_.output), scratch(parts_at_));
  }

  /// The weights' gradient is stored, and the plan applies the rule: nothing is made tile by tile here, as a gradient
  /// is whole only after all pictures. Weights of before are still there for the input's gradient.
  void backward(const StepState& /*state*/) override {
    const void* output_grad = binding_.output_grad;
    if (backward_relu_) {
      relu_backward(Dtype::kBfloat16, {binding_.output, output_grad, scratch(0)}, outputs_);
      output_grad = scratch(0);
    }
    if (weights_gradient_) {
      weights_gradient_->run(binding_.inputs.at(0), output_grad, binding_.weight_grads.at(0),
                             op_.bias ? binding_.weight_grads.at(1) : nullptr, scratch(parts_at_));
    }
    if (input_gradient_) {
      auto* const transposed = static_cast<std::uint16_t*>(scratch(transposed_at_));
      transpose_weights(op_, weights(), transposed);
      input_gradient_->run(static_cast<const std::uint16_t*>(output_grad), transposed, nullptr,
                           static_cast<std::uint16_t*>(binding_.input_grads.at(0)), scratch(parts_at_));
    }
  }

 private:
  [[nodiscard]] const std::uint16_t* weights() const {
    return static_cast<const std::uint16_t*>(binding_.weights.at(0));
  }
  [[nodiscard]] void* scratch(std::size_t at) const { return static_cast<std::byte*>(binding_.scratch) + at; }

  /// The gradient behind the relu, the transposed weights, then what one part at a time needs.
  void divide_scratch() {
    transposed_at_ = backward_relu_ ? Buffer::aligned(static_cast<std::size_t>(outputs_) * sizeof(std::uint16_t)) : 0;
    parts_at_ = transposed_at_;
    std::size_t most = forward_.scratch_bytes();
    if (weights_gradient_) {
      most = std::max(most, weights_gradient_->scratch_bytes());
    }
    if (input_gradient_) {
      most = std::max(most, input_gradient_->scratch_bytes());
      parts_at_ += Buffer::aligned(static_cast<std::size_t>(layouts_[0].packed_size()) * sizeof(std::uint16_t));
    }
    scratch_bytes_ = parts_at_ + most;
  }

  Conv2DOp op_;
  std::int64_t outputs_;  ///< Numbers.
  bool backward_relu_;
  std::vector<WeightLayout> layouts_;
  ConvForward forward_;
  std::optional<ConvGradient> weights_gradient_;
  std::optional<ConvForward> input_gradient_;
  std::size_t transposed_at_ = 0;
  std::size_t parts_at_ = 0;
  std::size_t scratch_bytes_ = 0;
  Binding binding_;
};

/// With a stride above 1 the transposed convolution has zeros between its inputs, for which there is no kernel here.
bool gives_input_gradient(const Conv2DOp& op, const BuildOptions& options) {
  return op.strides == std::array<std::int64_t, 2>{1, 1} && op.in.channels % kBlock == 0 &&
         op.out.channels % kBlock == 0 && ConvForward::is_supported(ConvForward::transposed(op), options.dtype, cpu());
}

}  // namespace

// One operator for all passes of a step: where backward cannot be had here, oneDNN takes forward as well, for a layout
// of weights that suits both.
bool is_conv_supported(const Conv2DOp& op, const BuildOptions& options) {
  const bool backward = ConvGradient::is_supported(op, options.dtype, cpu()) &&
                        (!options.needs_input_grad || gives_input_gradient(op, options));
  return ConvForward::is_supported(op, options.dtype, cpu()) && (!options.training || backward) &&
         (options.stored_layouts.empty() || options.stored_layouts[0] == ConvForward::layout(op));
}

std::unique_ptr<Operator> make_conv_operator(const Conv2DOp& op, const BuildOptions& options) {
  return std::make_unique<ConvOperator>(op, options);
}

}  // namespace lapel::kernels
