#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/ops.h"

namespace lapel::kernels {

/// What is measured: an operator at a size, and what surrounds it.
struct OperatorCase {
  std::string name;
  Op op;
  std::int64_t batch = 1;
  bool first = false;  ///< Computes no gradient of its input.
};

/// The operators of the recipes and of bench/peers/residual.toml at their sizes, MODEL/LAYER.
[[nodiscard]] std::vector<OperatorCase> operator_cases();

}  // namespace lapel::kernels
