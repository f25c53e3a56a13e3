#pragma once

#include <memory>

#include "kernels/operator.h"

/// The operators that Lapel computes itself, vectorised with Highway; parts of make_operator. Each gives the
/// numbers of its reference operator for any number of threads: exactly, but for gelus, the sums of an add of more than
/// two inputs and of a global mean, and for mixed pictures, which are made in float.
namespace lapel::kernels {

/// Backward does nothing: pixels have no gradient.
[[nodiscard]] std::unique_ptr<Operator> make_input_operator(const InputOp& op, const BuildOptions& options);

/// Null where the activation is not fused, the batch has too many rows for so few weights, or the weights are stored in
/// another layout than its own (dense_layout.h). For bfloat16 only where the CPU multiplies it.
[[nodiscard]] std::unique_ptr<Operator> make_dense_operator(const DenseOp& op, const BuildOptions& options);

/// In bfloat16, with AVX512-BF16 and without AMX. Null elsewhere, for outputs that are no multiple of 16 or have wide
/// zeros beside them, for strides and other inputs than multiples of 16 where their gradient is needed, and for weights
/// that are stored in another layout than its own (conv_forward.h). Gradients of weights are the same for the same
/// number of threads.
[[nodiscard]] std::unique_ptr<Operator> make_conv_operator(const Conv2DOp& op, const BuildOptions& options);

/// Keeps which numbers were dropped from forward to backward, a byte each.
[[nodiscard]] std::unique_ptr<Operator> make_dropout_operator(const DropoutOp& op, const BuildOptions& options);

[[nodiscard]] std::unique_ptr<Operator> make_add_operator(const AddOp& op, const BuildOptions& options);

/// Of kGelu. In float it is exact but for 4e-7 of the input; in bfloat16, whose own error is greater, for 7e-5 of it,
/// and its derivative for 4e-4.
[[nodiscard]] std::unique_ptr<Operator> make_gelu_operator(const ActivationOp& op, const BuildOptions& options);

/// A fused gelu is that of make_gelu_operator. Sums are made in float over some thousand numbers, then in double.
[[nodiscard]] std::unique_ptr<Operator> make_batch_norm_operator(const BatchNormOp& op, const BuildOptions& options);

/// In both types it multiplies floats; in bfloat16 intermediates are rounded, gradients of intermediates are not. On
/// pixels, each of the 256 numbers that a pixel can be goes through the layers once a step, and the gradients of equal
/// pixels are added up before they go back. Throws Error (kInternal) for layers that do not follow each other, are
/// wider than DenseChainOp::kWidest, or are stored in another than the plain order.
[[nodiscard]] std::unique_ptr<Operator> make_dense_chain_operator(const DenseChainOp& op, const BuildOptions& options);

/// Each of the 256 numbers that a pixel can be goes through the chain once a step. Then, for each place of a picture,
/// products are made of the different pixels that a batch has there, not of its rows (docs/kernels.md). In bfloat16 the
/// gradients of rows with equal pixels are added up in float, and their sum is rounded. Throws Error (kInternal) for
/// what `fits_dense_on_pixels` denies, and for weights that are stored in another layout than its own. For bfloat16
/// only where the CPU multiplies it.
[[nodiscard]] std::unique_ptr<Operator> make_dense_on_pixels_operator(const DenseOnPixelsOp& op,
                                                                      const BuildOptions& options, bool rounds);

/// A Dense layer on one row in evaluation, whose weights are stored in `layouts`. Null for anything else, for bfloat16,
/// and for layouts in which outputs are not neighbours in memory.
[[nodiscard]] std::unique_ptr<Operator> make_matrix_vector_operator(const DenseOp& op, const BuildOptions& options,
                                                                    const std::vector<WeightLayout>& layouts);

/// Not vectorised: rows of a picture are copied or filled in plain loops.
[[nodiscard]] std::unique_ptr<Operator> make_random_flip_operator(const RandomFlipOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_random_erasing_operator(const RandomErasingOp& op,
                                                                     const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_cut_mix_operator(const CutMixOp& op, const BuildOptions& options);

/// Moves between places are mixed in float.
[[nodiscard]] std::unique_ptr<Operator> make_random_translation_operator(const RandomTranslationOp& op,
                                                                         const BuildOptions& options);

/// Gathers from a copy of each picture that has what lies beyond its edges as well.
[[nodiscard]] std::unique_ptr<Operator> make_random_affine_operator(const RandomAffineOp& op,
                                                                    const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_mix_up_operator(const MixUpOp& op, const BuildOptions& options);

/// The largest of each window; null for windows of more than 256 places (255 with a relu), and for means. Keeps the
/// place of each maximum from forward to backward, a byte each. A NaN wins.
[[nodiscard]] std::unique_ptr<Operator> make_max_pool_operator(const Pool2DOp& op, const BuildOptions& options);

/// A convolution and its maximum pooling, without the numbers between them: `fits_conv_pool`. It computes with floats
/// in both types. Keeps the place of each maximum from forward to backward, a byte each. A NaN wins. Gradients of
/// weights are the same for the same number of threads.
[[nodiscard]] std::unique_ptr<Operator> make_conv_pool_operator(const ConvPoolOp& op, const BuildOptions& options);

/// A maximum keeps its places from forward to backward, 4 bytes each. A NaN wins.
[[nodiscard]] std::unique_ptr<Operator> make_global_pool_operator(const GlobalPool2DOp& op,
                                                                  const BuildOptions& options);

}  // namespace lapel::kernels
