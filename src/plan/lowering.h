#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/ops.h"
#include "model/model.h"

namespace lapel::plan {

/// One operator over numbered values. The first step reads the pictures.
struct LoweredStep {
  kernels::Op op;
  std::vector<std::size_t> inputs;
  std::size_t output = 0;
  std::size_t first_parameter = 0;  ///< Position in the model's parameters.
  std::size_t parameters = 0;
  std::size_t node = 0;  ///< The layer it came from; of a chain, the last one; of a convolution and more, that.
};

/// A model as a flat list of operators, fused as far as it goes: reshapes, linear activations and (in evaluation)
/// dropout are gone; a relu after a linear product is part of it, or of a maximum pooling that follows; small Dense
/// layers on many rows that follow each other are one chain, with the pictures and a layer on all that it gives, where
/// it can be; a convolution on the pictures and the maximum pooling after it are one step; a softmax at the end is left
/// to the loss, which takes logits.
struct Lowered {
  std::vector<LoweredStep> steps;
  std::vector<std::int64_t> value_sizes;  ///< Numbers per sample.
  std::size_t logits = 0;                 ///< The value that the loss reads.
};

/// `scale` is what pixels are multiplied with.
[[nodiscard]] Lowered lower(const model::Model& model, bool training, float scale);

}  // namespace lapel::plan
