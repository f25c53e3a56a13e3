#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/bfloat16.h"
#include "kernels/operator.h"

/// The parts of make_reference_operator, one factory for each kind of op.
namespace lapel::kernels {

/// Numbers of either type, read as doubles.
class Values {
 public:
  Values(Dtype dtype, const void* memory) : dtype_(dtype), memory_(memory) {}
  [[nodiscard]] double operator[](std::int64_t i) const {
    return static_cast<double>(dtype_ == Dtype::kFloat32
                                   ? static_cast<const float*>(memory_)[i]
                                   : float_from_bfloat16(static_cast<const std::uint16_t*>(memory_)[i]));
  }

 private:
  Dtype dtype_;
  const void* memory_;
};

/// Numbers of either type, written by rounding doubles to float, then to the type.
class MutableValues {
 public:
  MutableValues(Dtype dtype, void* memory) : dtype_(dtype), memory_(memory) {}
  void set(std::int64_t i, double value) const {
    const auto rounded = static_cast<float>(value);
    if (dtype_ == Dtype::kFloat32) {
      static_cast<float*>(memory_)[i] = rounded;
    } else {
      static_cast<std::uint16_t*>(memory_)[i] = bfloat16_from_float(rounded);
    }
  }
  explicit operator bool() const { return memory_ != nullptr; }

 private:
  Dtype dtype_;
  void* memory_;
};

/// An elementwise activation of x.
[[nodiscard]] double reference_activation(ActivationKind kind, double x);
/// dy/dx at x, where y is the activation of x as it was stored.
[[nodiscard]] double reference_slope(ActivationKind kind, double x, double y);

/// What all reference operators share.
class ReferenceOperator : public Operator {
 public:
  explicit ReferenceOperator(const BuildOptions& options) : options_(options) {}
  [[nodiscard]] std::string implementation() const override { return "reference"; }
  void bind(const Binding& binding) override { binding_ = binding; }

 protected:
  [[nodiscard]] std::int64_t batch() const { return options_.batch; }
  [[nodiscard]] Values input(std::size_t i = 0) const { return {options_.dtype, binding_.inputs.at(i)}; }
  [[nodiscard]] Values output() const { return {options_.dtype, binding_.output}; }
  [[nodiscard]] MutableValues mutable_output() const { return {options_.dtype, binding_.output}; }
  [[nodiscard]] Values output_grad() const { return {options_.dtype, binding_.output_grad}; }
  /// False where none is needed.
  [[nodiscard]] MutableValues input_grad(std::size_t i = 0) const {
    return {options_.dtype, i < binding_.input_grads.size() ? binding_.input_grads[i] : nullptr};
  }
  [[nodiscard]] const BuildOptions& options() const { return options_; }
  [[nodiscard]] const Binding& binding() const { return binding_; }

 private:
  BuildOptions options_;
  Binding binding_;
};

[[nodiscard]] std::unique_ptr<Operator> make_reference_dense(const DenseOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_dense_chain(const DenseChainOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_dense_on_pixels(const DenseOnPixelsOp& op,
                                                                       const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_conv2d(const Conv2DOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_conv_pool(const ConvPoolOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_pool2d(const Pool2DOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_global_pool2d(const GlobalPool2DOp& op,
                                                                     const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_batch_norm(const BatchNormOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_random_flip(const RandomFlipOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_random_translation(const RandomTranslationOp& op,
                                                                          const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_input(const InputOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_random_affine(const RandomAffineOp& op,
                                                                     const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_random_erasing(const RandomErasingOp& op,
                                                                      const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_mix_up(const MixUpOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_cut_mix(const CutMixOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_activation(const ActivationOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_reference_function(const ElementwiseOp& op, const BuildOptions& options);

}  // namespace lapel::kernels
