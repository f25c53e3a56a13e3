#include "kernels/simd/widened.h"

#include <algorithm>

#include "base/buffer.h"
#include "kernels/bfloat16.h"

namespace lapel::kernels {
namespace {

/// An operand in both types: bfloat16 where the plan has it, floats in scratch.
struct Twin {
  std::size_t count = 0;
  std::size_t at = 0;  ///< Of the floats, in scratch.
  std::span<float> wide;

  void place(std::byte* scratch) { wide = {reinterpret_cast<float*>(scratch + at), count}; }
  void widen(const void* narrow) const { from_bfloat16({static_cast<const std::uint16_t*>(narrow), count}, wide); }
  void round(void* narrow) const { to_bfloat16(wide, {static_cast<std::uint16_t*>(narrow), count}); }
};

/// Every call goes through its operands once more than `inner` does: for CPUs on which the results must be right, and
/// where `precision = "auto"` would have taken floats.
class WidenedOperator final : public Operator {
 public:
  WidenedOperator(std::unique_ptr<Operator> inner, const OpInfo& op, const BuildOptions& options)
      : inner_(std::move(inner)),
        backward_(options.training),
        has_input_(op.in > 0),
        needs_input_grad_(has_input_ && options.needs_input_grad) {
    input_.count = static_cast<std::size_t>(options.batch * op.in);
    output_.count = static_cast<std::size_t>(options.batch * op.out);
    output_grad_.count = backward_ ? output_.count : 0;
    input_grad_.count = backward_ && needs_input_grad_ ? input_.count : 0;
    const auto layouts = inner_->weight_layouts();
    for (std::size_t i = 0; i < layouts.size(); ++i) {
      if (layouts[i].shape().size() > 1) {
        matrices_.push_back({i, {static_cast<std::size_t>(layouts[i].packed_size()), 0, {}}});
      }
    }
    for_each_twin([&](Twin& twin) {
      twin.at = inner_scratch_at_;
      inner_scratch_at_ += Buffer::aligned(twin.count * sizeof(float));
    });
  }

  std::string implementation() const override { return inner_->implementation() + " in float"; }
  std::vector<WeightLayout> weight_layouts() const override { return inner_->weight_layouts(); }
  std::size_t saved_bytes() const override { return inner_->saved_bytes(); }
  std::size_t scratch_bytes() const override { return inner_scratch_at_ + inner_->scratch_bytes(); }
  bool backward_reads_inputs() const override { return inner_->backward_reads_inputs(); }
  bool backward_reads_output() const override { return inner_->backward_reads_output(); }
  bool has_fused_update() const override { return inner_->has_fused_update(); }

  void bind(const Binding& binding) override {
    narrow_ = binding;
    auto* const scratch = static_cast<std::byte*>(binding.scratch);
    for_each_twin([&](Twin& twin) { twin.place(scratch); });
    Binding wide = binding;
    if (has_input_) {
      wide.inputs = {input_.wide.data()};
      wide.input_grads = {backward_ && needs_input_grad_ ? input_grad_.wide.data() : nullptr};
    }
    wide.output = output_.wide.data();
    wide.output_grad = backward_ ? output_grad_.wide.data() : nullptr;
    for (const Matrix& matrix : matrices_) {
      wide.weights.at(matrix.weight) = matrix.twin.wide.data();
    }
    wide.scratch = scratch + inner_scratch_at_;
    inner_->bind(wide);
  }

  void forward(const StepState& state) override {
    if (has_input_) {
      input_.widen(narrow_.inputs.at(0));
    }
    widen_weights();
    inner_->forward(state);
    output_.round(narrow_.output);
  }

  void backward(const StepState& state) override {
    if (has_input_ && inner_->backward_reads_inputs()) {
      input_.widen(narrow_.inputs.at(0));
    }
    if (inner_->backward_reads_output()) {
      output_.widen(narrow_.output);
    }
    // The gradient of one matrix goes through those behind it.
    if (needs_input_grad_ || matrices_.size() > 1) {
      widen_weights();
    }
    output_grad_.widen(narrow_.output_grad);
    inner_->backward(state);
    if (needs_input_grad_) {
      input_grad_.round(narrow_.input_grads.at(0));
    }
  }

 private:
  /// A weight of more than one dimension, which products read: the others are floats in every plan.
  struct Matrix {
    std::size_t weight = 0;
    Twin twin;
  };

  template <class F>
  void for_each_twin(const F& body) {
    for (Twin* twin : {&input_, &output_, &output_grad_, &input_grad_}) {
      body(*twin);
    }
    for (Matrix& matrix : matrices_) {
      body(matrix.twin);
    }
  }

  void widen_weights() const {
    for (const Matrix& matrix : matrices_) {
      matrix.twin.widen(narrow_.weights[matrix.weight]);
    }
  }

  std::unique_ptr<Operator> inner_;
  bool backward_;
  bool has_input_;
  bool needs_input_grad_;
  Twin input_;
  Twin output_;
  Twin output_grad_;
  Twin input_grad_;
  std::vector<Matrix> matrices_;
  std::size_t inner_scratch_at_ = 0;
  Binding narrow_;
};

}  // namespace

std::unique_ptr<Operator> make_widened(std::unique_ptr<Operator> inner, const OpInfo& op, const BuildOptions& options) {
  return std::make_unique<WidenedOperator>(std::move(inner), op, options);
}

}  // namespace lapel::kernels
