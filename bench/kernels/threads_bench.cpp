#include "threads_bench.h"

#include <atomic>
#include <cstdint>
#include <numeric>
#include <span>

#include "base/buffer.h"
#include "base/threads.h"

namespace lapel::kernels {

void run_pieces(benchmark::State& state, bool team, bool phases) {
  constexpr int kPieces = 16;
  const auto nothing = [](std::int64_t part, std::int64_t) { benchmark::DoNotOptimize(part); };
  const auto pieces = [&] {
    for (int piece = 0; piece < kPieces; ++piece) {
      phases ? parallel_phases(omp_get_max_threads(), nothing, nothing, nothing)
             : parallel_for(omp_get_max_threads(), 1, nothing);
    }
  };
  for (const auto loop : state) {
    static_cast<void>(loop);
    team ? Team::with(pieces) : pieces();
  }
  state.SetItemsProcessed(state.iterations() * kPieces);
}

void run_line(benchmark::State& state) {
  constexpr int kTimes = 100;
  if (omp_get_max_threads() < 2) {
    state.SkipWithError("needs two threads");
    return;
  }
  std::atomic<int> turn = 0;
  for (const auto loop : state) {
    static_cast<void>(loop);
    parallel_phases(2, [&](std::int64_t part, std::int64_t) {
      for (int i = 0; i < kTimes; ++i) {
        while (turn.load(std::memory_order_acquire) != part) {
          __builtin_ia32_pause();
        }
        turn.store(static_cast<int>(1 - part), std::memory_order_release);
      }
    });
  }
  state.SetItemsProcessed(state.iterations() * 2 * kTimes);
}

void run_neighbours(benchmark::State& state, std::size_t gap) {
  constexpr std::size_t kBytes = 4096;
  constexpr int kReads = 16;
  constexpr int kRounds = 64;
  const int threads = omp_get_max_threads();
  const std::size_t stride = kBytes + gap;
  Buffer memory(static_cast<std::size_t>(threads) * stride);
  for (const auto loop : state) {
    static_cast<void>(loop);
    parallel_phases(threads, [&](std::int64_t part, std::int64_t) {
      const std::span<std::uint64_t> mine = memory.as<std::uint64_t>().subspan(
          static_cast<std::size_t>(part) * stride / sizeof(std::uint64_t), kBytes / sizeof(std::uint64_t));
      for (int round = 0; round < kRounds; ++round) {
        std::iota(mine.begin(), mine.end(), static_cast<std::uint64_t>(round));
        for (int read = 0; read < kReads; ++read) {
          benchmark::DoNotOptimize(std::accumulate(mine.begin(), mine.end(), std::uint64_t{0}));
        }
      }
    });
  }
  state.SetBytesProcessed(state.iterations() * threads * kRounds * static_cast<std::int64_t>(kBytes));
}

}  // namespace lapel::kernels
