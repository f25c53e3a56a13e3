#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>

namespace lapel::kernels {

/// A step of sixteen pieces of parallel work that do nothing, each of one phase or three: what threads cost.
void run_pieces(benchmark::State& state, bool team, bool phases);

/// A line that two threads write in turn, a hundred times there and back.
void run_line(benchmark::State& state);

/// Each thread writes 4 KiB of its own and reads them several times, as a product does with what it packed, and of the
/// next thread's memory nothing, which begins `gap` bytes behind.
void run_neighbours(benchmark::State& state, std::size_t gap);

}  // namespace lapel::kernels
