#pragma once

#include <memory>

#include "kernels/operator.h"

/// The operators that oneDNN computes. Each returns null where the library has only a reference implementation for
/// the type asked for and `allow_reference` is false, or none at all.
namespace lapel::kernels {

[[nodiscard]] std::unique_ptr<Operator> make_onednn_dense(const DenseOp& op, const BuildOptions& options,
                                                          bool allow_reference);
[[nodiscard]] std::unique_ptr<Operator> make_onednn_conv2d(const Conv2DOp& op, const BuildOptions& options,
                                                           bool allow_reference);
[[nodiscard]] std::unique_ptr<Operator> make_onednn_pool2d(const Pool2DOp& op, const BuildOptions& options,
                                                           bool allow_reference);
/// kLinear copies.
[[nodiscard]] std::unique_ptr<Operator> make_onednn_activation(const ActivationOp& op, const BuildOptions& options,
                                                               bool allow_reference);

/// How many activations per sample an operator of one input takes and gives.
struct ActivationSizes {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// An operator on bfloat16 activations and weights that computes with `inner`, which is made for floats: operands
/// are widened into scratch before, results rounded after. `inner` has one input or none; weights of more than one
/// dimension are widened.
[[nodiscard]] std::unique_ptr<Operator> make_widened(std::unique_ptr<Operator> inner, const ActivationSizes& sizes,
                                                     const BuildOptions& options);

}  // namespace lapel::kernels
