#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// In bfloat16, with AVX512-BF16 and without AMX. Not elsewhere, for outputs that are no multiple of 16 or have wide
/// zeros beside them, for strides and other inputs than multiples of 16 where their gradient is needed, and for weights
/// that are stored in another layout than its own (forward.h). Gradients of weights are the same for the same
/// number of threads.
[[nodiscard]] bool is_conv_supported(const Conv2DOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_conv_operator(const Conv2DOp& op, const BuildOptions& options);

/// A convolution and its maximum pooling, without the numbers between them: `fits_conv_pool`. It computes with floats
/// in both types. Keeps the place of each maximum from forward to backward, a byte each. A NaN wins. Gradients of
/// weights are the same for the same number of threads.
[[nodiscard]] std::unique_ptr<Operator> make_conv_pool_operator(const ConvPoolOp& op, const BuildOptions& options);

/// By oneDNN, but for gradients of weights that ConvGradient makes faster. Null where the library has only a reference
/// implementation for the type asked for and `allow_reference` is false, or none at all.
[[nodiscard]] std::unique_ptr<Operator> make_onednn_conv2d(const Conv2DOp& op, const BuildOptions& options,
                                                           bool allow_reference);

}  // namespace lapel::kernels
