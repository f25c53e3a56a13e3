#include "kernels/onednn/compat.h"
#include "kernels/onednn/operators.h"
#include "kernels/onednn/primitive.h"

namespace lapel::kernels {
namespace {

using dnnl::memory;

/// Means exclude the padding from their count (pooling_avg_exclude_padding), as Keras does.
class PoolOperator final : public Operator {
 public:
  PoolOperator(MemoryDesc src, MemoryDesc dst, const PrimitiveDesc& forward,
               const std::optional<PrimitiveDesc>& backward)
      : src_(std::move(src)), dst_(std::move(dst)), workspace_(forward.workspace_desc()), forward_(forward) {
    if (backward) {
      backward_.emplace(*backward);
    }
  }

  std::string implementation() const override { return forward_.implementation(); }
  std::size_t saved_bytes() const override { return workspace_.get_size(); }
  std::size_t scratch_bytes() const override {
    return std::max(forward_.scratchpad_bytes(), backward_ ? backward_->scratchpad_bytes() : 0);
  }

  void bind(const Binding& binding) override {
    forward_.bind({{DNNL_ARG_SRC, src_, binding.inputs.at(0)},
                   {DNNL_ARG_DST, dst_, binding.output},
                   {DNNL_ARG_WORKSPACE, workspace_, binding.saved}},
                  binding.scratch);
    if (backward_) {
      backward_->bind({{DNNL_ARG_DIFF_DST, dst_, binding.output_grad},
                       {DNNL_ARG_WORKSPACE, workspace_, binding.saved},
                       {DNNL_ARG_DIFF_SRC, src_, binding.input_grads.at(0)}},
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
  MemoryDesc src_;
  MemoryDesc dst_;
  MemoryDesc workspace_;  ///< Which place of each window won; empty for means and without a backward pass.
  OnednnPrimitive forward_;
  std::optional<OnednnPrimitive> backward_;
};

}  // namespace

std::unique_ptr<Operator> make_onednn_pool2d(const Pool2DOp& op, const BuildOptions& options, bool allow_reference) {
  if (op.activation != ActivationKind::kLinear) {
    return nullptr;
  }
  const auto type = onednn_type(options.dtype);
  const auto algorithm =
      op.kind == Pool2DOp::Kind::kMax ? dnnl::algorithm::pooling_max : dnnl::algorithm::pooling_avg_exclude_padding;
  MemoryDesc src(Dims{options.batch, op.in.channels, op.in.height, op.in.width}, type, memory::format_tag::nhwc);
  MemoryDesc dst(Dims{options.batch, op.out.channels, op.out.height, op.out.width}, type, memory::format_tag::nhwc);
  const Window window{{op.pool[0], op.pool[1]},
                      {op.strides[0], op.strides[1]},
                      {op.pad_top, op.pad_left},
                      {op.pad_bottom, op.pad_right}};
  const bool needs_backward = options.training && options.needs_input_grad;
  const auto forward = pooling_forward(algorithm, src, dst, window, needs_backward);
  if (!forward || (is_reference(*forward) && !allow_reference)) {
    return nullptr;
  }
  std::optional<PrimitiveDesc> backward;
  if (needs_backward) {
    backward = pooling_backward(algorithm, src, dst, window, *forward);
    if (!backward || (is_reference(*backward) && !allow_reference)) {
      return nullptr;
    }
  }
  return std::make_unique<PoolOperator>(std::move(src), std::move(dst), *forward, backward);
}

}  // namespace lapel::kernels
