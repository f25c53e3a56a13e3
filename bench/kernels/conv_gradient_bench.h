#pragma once

#include <benchmark/benchmark.h>

#include "cases.h"
#include "kernels/cpu.h"

namespace lapel::kernels {

/// The gradient of a convolution's weights alone: Lapel's own kernel, or oneDNN's. `wanted` is a convolution for which
/// Lapel's is used. FLOP are those of its products.
void run_conv_gradient(benchmark::State& state, const OperatorCase& wanted, Dtype dtype, bool own);

}  // namespace lapel::kernels
