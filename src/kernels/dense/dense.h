#pragma once

#include <memory>
#include <vector>

#include "kernels/operator.h"

namespace lapel::kernels {

/// Null where the activation is not fused, the batch has too many rows for so few weights, or the weights are stored in
/// another layout than its own (dense_layout.h). For bfloat16 only where the CPU multiplies it.
[[nodiscard]] std::unique_ptr<Operator> make_dense_operator(const DenseOp& op, const BuildOptions& options);

/// A Dense layer on one row in evaluation, whose weights are stored in `layouts`. Null for anything else, for bfloat16,
/// and for layouts in which outputs are not neighbours in memory.
[[nodiscard]] std::unique_ptr<Operator> make_matrix_vector_operator(const DenseOp& op, const BuildOptions& options,
                                                                    const std::vector<WeightLayout>& layouts);

}  // namespace lapel::kernels
