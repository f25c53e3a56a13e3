#include <cstring>

#include "base/threads.h"
#include "kernels/onednn/compat.h"
#include "kernels/onednn/operators.h"
#include "kernels/onednn/primitive.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using dnnl::algorithm;
using dnnl::memory;

/// The identity: copies.
class CopyOperator final : public Operator {
 public:
  CopyOperator(std::size_t bytes, bool needs_backward) : bytes_(bytes), needs_backward_(needs_backward) {}

  std::string implementation() const override { return "copy"; }

  void bind(const Binding& binding) override {
    input_ = binding.inputs.at(0);
    output_ = binding.output;
    if (needs_backward_) {
      output_grad_ = binding.output_grad;
      input_grad_ = binding.input_grads.at(0);
    }
  }

  void forward(const StepState& /*state*/) override { copy(input_, output_); }

  void backward(const StepState& /*state*/) override {
    if (needs_backward_) {
      copy(output_grad_, input_grad_);
    }
  }

 private:
  static constexpr std::int64_t kBytesPerThread = 1 << 16;

  void copy(const void* from, void* to) const {
    parallel_for(static_cast<std::int64_t>(bytes_), kBytesPerThread, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(static_cast<std::byte*>(to) + begin, static_cast<const std::byte*>(from) + begin,
                  static_cast<std::size_t>(end - begin));
    });
  }

  std::size_t bytes_;
  bool needs_backward_;
  const void* input_ = nullptr;
  void* output_ = nullptr;
  const void* output_grad_ = nullptr;
  void* input_grad_ = nullptr;
};

/// Derivatives are taken from the output, which a plan keeps for the next operator anyway: the input need not live.
class ActivationOperator final : public Operator {
 public:
  ActivationOperator(MemoryDesc desc, const PrimitiveDesc& forward, const std::optional<PrimitiveDesc>& backward)
      : desc_(std::move(desc)), forward_(forward) {
    if (backward) {
      backward_.emplace(*backward);
    }
  }

  std::string implementation() const override { return forward_.implementation(); }
  std::size_t scratch_bytes() const override {
    return std::max(forward_.scratchpad_bytes(), backward_ ? backward_->scratchpad_bytes() : 0);
  }
  bool backward_reads_output() const override { return backward_.has_value(); }

  void bind(const Binding& binding) override {
    forward_.bind({{DNNL_ARG_SRC, desc_, binding.inputs.at(0)}, {DNNL_ARG_DST, desc_, binding.output}},
                  binding.scratch);
    if (backward_) {
      backward_->bind({{DNNL_ARG_DST, desc_, binding.output},
                       {DNNL_ARG_DIFF_DST, desc_, binding.output_grad},
                       {DNNL_ARG_DIFF_SRC, desc_, binding.input_grads.at(0)}},
                      binding.scratch);
    }
  }

  void forward(const StepState& /*state*/) override { forward_.run(); }

  void backward(const StepState& /*state*/) override {
    if (backward_) {
      backward_->run();
    }
  }

 private:
  MemoryDesc desc_;
  OnednnPrimitive forward_;
  std::optional<OnednnPrimitive> backward_;
};

/// oneDNN's name, in the form whose derivative is taken from the output.
algorithm eltwise_algorithm(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kRelu:
      return algorithm::eltwise_relu_use_dst_for_bwd;
    case ActivationKind::kTanh:
      return algorithm::eltwise_tanh_use_dst_for_bwd;
    case ActivationKind::kSigmoid:
      return algorithm::eltwise_logistic_use_dst_for_bwd;
    case ActivationKind::kGelu:
    case ActivationKind::kLinear:
    case ActivationKind::kSoftmax:
      break;
  }
  throw Error(ErrorKind::kInternal, "activation", "not an elementwise function",
              {{"activation", std::to_string(static_cast<int>(kind))}});
}

}  // namespace

std::unique_ptr<Operator> make_onednn_activation(const ActivationOp& op, const BuildOptions& options,
                                                 bool allow_reference) {
  const std::int64_t count = options.batch * op.size;
  const bool needs_backward = options.training && options.needs_input_grad;
  if (op.kind == ActivationKind::kLinear) {
    return std::make_unique<CopyOperator>(static_cast<std::size_t>(count) * dtype_bytes(options.dtype), needs_backward);
  }
  const auto type = onednn_type(options.dtype);
  const bool softmax = op.kind == ActivationKind::kSoftmax;
  MemoryDesc desc = softmax ? MemoryDesc(Dims{count / op.axis, op.axis}, type, memory::format_tag::ab)
                            : MemoryDesc(Dims{count}, type, memory::format_tag::a);
  const auto forward = softmax ? softmax_forward(desc, needs_backward)
                               : eltwise_forward(eltwise_algorithm(op.kind), desc, needs_backward);
  if (!forward || (is_reference(*forward) && !allow_reference)) {
    return nullptr;
  }
  std::optional<PrimitiveDesc> backward;
  if (needs_backward) {
    backward =
        softmax ? softmax_backward(desc, *forward) : eltwise_backward(eltwise_algorithm(op.kind), desc, *forward);
    if (!backward || (is_reference(*backward) && !allow_reference)) {
      return nullptr;
    }
  }
  return std::make_unique<ActivationOperator>(std::move(desc), *forward, backward);
}

}  // namespace lapel::kernels
