#pragma once

#include <memory>
#include <vector>

#include "kernels/operator.h"

namespace lapel::kernels {

/// Not where the activation is not fused, the batch has too many rows for so few weights, the weights are stored in
/// another layout than panels.h has, or for bfloat16 where the CPU does not multiply it or has AMX.
[[nodiscard]] bool is_dense_supported(const DenseOp& op, const BuildOptions& options);
/// Only where it is supported. Input batch x rows x in, output batch x rows x out, each of `options.dtype`; weights in
/// panels, bias plain. Backward reads the inputs, with a relu the output, and applies rules itself.
[[nodiscard]] std::unique_ptr<Operator> make_dense_operator(const DenseOp& op, const BuildOptions& options);

/// One row in evaluation, in float32.
[[nodiscard]] bool is_matrix_vector_supported(const DenseOp& op, const BuildOptions& options);
/// Of weights that are stored in `layouts`. Null for those in which outputs are not neighbours in memory.
[[nodiscard]] std::unique_ptr<Operator> make_matrix_vector_operator(const DenseOp& op, const BuildOptions& options,
                                                                    const std::vector<WeightLayout>& layouts);

}  // namespace lapel::kernels
