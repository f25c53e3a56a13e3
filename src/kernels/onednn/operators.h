#pragma once

#include <memory>

#include "kernels/operator.h"

/// The operators that oneDNN computes. Each returns null where the library has only a reference implementation for
/// the type asked for and `allow_reference` is false, or none at all.
namespace lapel::kernels {

[[nodiscard]] std::unique_ptr<Operator> make_onednn_dense(const DenseOp& op, const BuildOptions& options,
                                                          bool allow_reference);
[[nodiscard]] std::unique_ptr<Operator> make_onednn_pool2d(const Pool2DOp& op, const BuildOptions& options,
                                                           bool allow_reference);
/// kLinear copies.
[[nodiscard]] std::unique_ptr<Operator> make_onednn_activation(const ActivationOp& op, const BuildOptions& options,
                                                               bool allow_reference);

}  // namespace lapel::kernels
