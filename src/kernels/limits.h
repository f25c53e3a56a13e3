#pragma once

#include <cstddef>

#include "kernels/cpu.h"

/// What this machine can do at most, measured: the two roofs of Williams, Waterman & Patterson 2009 ("Roofline"). Both
/// use the threads of the enclosing ThreadScope.
namespace lapel::kernels {

/// 10^9 FLOP a second (2 per multiply-add) of the fastest of a few square matrix products of this number type, each the
/// best of several runs; 0 where oneDNN has no such product for this CPU.
[[nodiscard]] double measure_matrix_gflops(Dtype dtype);

/// 10^9 bytes a second, read and written, of updates in place (x = a x + b) that pass again and again over so many
/// bytes of floats, a part for each thread: the best of several runs.
[[nodiscard]] double measure_bandwidth(std::size_t bytes);

}  // namespace lapel::kernels
