#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// A chain on activations or on pixels: output batch x rows x the last layer's numbers. In both types it multiplies
/// floats; in bfloat16 intermediates are rounded, gradients of intermediates are not. On pixels, each of the 256
/// numbers that a pixel can be goes through the layers once a step, and the gradients of equal pixels are added up
/// before they go back. Throws Error (kInternal) for layers that do not follow each other, are wider than
/// DenseChainOp::kWidest, or are stored in another than the plain order.
[[nodiscard]] std::unique_ptr<Operator> make_dense_chain_operator(const DenseChainOp& op, const BuildOptions& options);

/// Each of the 256 numbers that a pixel can be goes through the chain once a step. Then, for each place of a picture,
/// products are made of the different pixels that a batch has there, not of its rows (README.md). In bfloat16 the
/// gradients of rows with equal pixels are added up in float, and their sum is rounded. Throws Error (kInternal) for
/// what `fits_dense_on_pixels` denies, and for weights that are stored in another layout than its own. For bfloat16
/// only where the CPU multiplies it.
/// `rounds`: floats, to the numbers that bfloat16 would be, where a CPU does not multiply it.
[[nodiscard]] std::unique_ptr<Operator> make_dense_on_pixels_operator(const DenseOnPixelsOp& op,
                                                                      const BuildOptions& options, bool rounds);

}  // namespace lapel::kernels
