#include "kernels/update/muon_tiles.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/update/muon_tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Momentum and direction of some numbers. Muon's momentum is the sum of gradients (no learning rate within), as its
/// direction is scaled afterwards.
template <class D>
struct Moved {
  hn::Vec<D> momentum;
  hn::Vec<D> direction;

  HWY_INLINE Moved(D d, const MuonRows& rows, hn::Vec<D> grad, hn::Vec<D> state) {
    const auto factor = hn::Set(d, rows.momentum);
    momentum = hn::MulAdd(factor, state, grad);
    direction = rows.nesterov ? hn::MulAdd(factor, momentum, grad) : momentum;
  }
};

/// One pass for momentum, direction and the sum of its squares: each number is read once. `kWidth` numbers are
/// neighbours in the weight's order and in the matrix.
template <std::size_t kWidth>
double directions_of_runs(const MuonRows& rows, std::size_t begin, std::size_t end) {
  const hn::CappedTag<float, kWidth> d;
  auto squares = hn::Zero(d);
  for (std::size_t i = begin; i < end; ++i) {
    const MuonTile tile = rows.tiles[i];
    for (std::size_t j = 0; j < kWidth; j += hn::Lanes(d)) {
      const Moved<decltype(d)> moved(d, rows, load(d, rows.grads + tile.at + j), load(d, rows.state + tile.at + j));
      store(d, moved.momentum, rows.state + tile.at + j);
      store(d, moved.direction, rows.direction + tile.to + j);
      squares = hn::MulAdd(moved.direction, moved.direction, squares);
    }
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, squares)));
}

/// As directions_of_runs, of two inputs whose numbers alternate: taken apart on the way into the matrix, put together
/// on the way back into the state. A sum of squares may take them in any order, but always the same.
template <std::size_t kWidth>
double directions_of_pairs(const MuonRows& rows, std::size_t begin, std::size_t end) {
  const hn::CappedTag<float, kWidth> d;
  using Of = Moved<decltype(d)>;
  auto squares = hn::Zero(d);
  for (std::size_t i = begin; i < end; ++i) {
    const MuonTile tile = rows.tiles[i];
    for (std::size_t j = 0; j < kWidth; j += hn::Lanes(d)) {
      hn::Vec<decltype(d)> first_grad;
      hn::Vec<decltype(d)> second_grad;
      hn::Vec<decltype(d)> first_state;
      hn::Vec<decltype(d)> second_state;
      float* const state = rows.state + tile.at + 2 * j;
      hn::LoadInterleaved2(d, rows.grads + tile.at + 2 * j, first_grad, second_grad);
      hn::LoadInterleaved2(d, state, first_state, second_state);
      const Of first(d, rows, first_grad, first_state);
      const Of second(d, rows, second_grad, second_state);
      hn::StoreInterleaved2(first.momentum, second.momentum, d, state);
      store(d, first.direction, rows.direction + tile.to + j);
      store(d, second.direction, rows.direction + tile.to + rows.columns + j);
      squares = hn::MulAdd(first.direction, first.direction, squares);
      squares = hn::MulAdd(second.direction, second.direction, squares);
    }
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, squares)));
}

template <class D>
HWY_INLINE hn::Vec<D> moved_weight(D d, const MuonRows& rows, hn::Vec<D> weight, const float* orthogonal) {
  return hn::NegMulAdd(hn::Set(d, rows.rate), load(d, orthogonal), hn::Mul(hn::Set(d, rows.keep), weight));
}

template <std::size_t kWidth>
void move_runs(const MuonRows& rows, std::size_t begin, std::size_t end) {
  const hn::CappedTag<float, kWidth> d;
  for (std::size_t i = begin; i < end; ++i) {
    const MuonTile tile = rows.tiles[i];
    for (std::size_t j = 0; j < kWidth; j += hn::Lanes(d)) {
      float* const weights = rows.weights + tile.at + j;
      const auto weight = moved_weight(d, rows, load(d, weights), rows.orthogonal + tile.to + j);
      store(d, weight, weights);
      if (rows.low != nullptr) {
        store(d, weight, rows.low + tile.at + j);
      }
    }
  }
}

/// As move_runs, of two inputs whose numbers alternate: from two rows of the matrix to one stretch of weights, and of
/// their copies in bfloat16.
template <std::size_t kWidth>
void move_pairs(const MuonRows& rows, std::size_t begin, std::size_t end) {
  const hn::CappedTag<float, kWidth> d;
  const hn::Rebind<std::uint16_t, decltype(d)> d16;
  for (std::size_t i = begin; i < end; ++i) {
    const MuonTile tile = rows.tiles[i];
    for (std::size_t j = 0; j < kWidth; j += hn::Lanes(d)) {
      float* const weights = rows.weights + tile.at + 2 * j;
      const float* const orthogonal = rows.orthogonal + tile.to + j;
      hn::Vec<decltype(d)> first;
      hn::Vec<decltype(d)> second;
      hn::LoadInterleaved2(d, weights, first, second);
      first = moved_weight(d, rows, first, orthogonal);
      second = moved_weight(d, rows, second, orthogonal + rows.columns);
      hn::StoreInterleaved2(first, second, d, weights);
      if (rows.low != nullptr) {
        hn::StoreInterleaved2(narrowed(d, first), narrowed(d, second), d16, rows.low + tile.at + 2 * j);
      }
    }
  }
}

}  // namespace

double write_directions(const MuonRows& rows, std::size_t begin, std::size_t end) {
  if (rows.pairs) {
    return rows.width == 16 ? directions_of_pairs<16>(rows, begin, end) : directions_of_pairs<8>(rows, begin, end);
  }
  return rows.width == 16  ? directions_of_runs<16>(rows, begin, end)
         : rows.width == 8 ? directions_of_runs<8>(rows, begin, end)
                           : directions_of_runs<1>(rows, begin, end);
}

void move_weights(const MuonRows& rows, std::size_t begin, std::size_t end) {
  if (rows.pairs) {
    rows.width == 16 ? move_pairs<16>(rows, begin, end) : move_pairs<8>(rows, begin, end);
    return;
  }
  rows.width == 16  ? move_runs<16>(rows, begin, end)
  : rows.width == 8 ? move_runs<8>(rows, begin, end)
                    : move_runs<1>(rows, begin, end);
}

double square_sum(const float* numbers, std::size_t count) {
  const hn::ScalableTag<float> d;
  auto sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto number = load(d, numbers + i);
    sums = hn::MulAdd(number, number, sums);
  }
  double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sums)));
  for (; i < count; ++i) {
    sum += static_cast<double>(numbers[i]) * static_cast<double>(numbers[i]);
  }
  return sum;
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(write_directions);
HWY_EXPORT(move_weights);
HWY_EXPORT(square_sum);

/// Sums are made of so many numbers at a time, whatever the number of threads, in float; then in double. In float a sum
/// over a whole weight would lose digits, in double every vector would be two.
constexpr std::size_t kBlock = 4096;
/// So many blocks are worth a thread.
constexpr std::int64_t kBlocksPerThread = 2;
/// More blocks than this are added up in several rounds, so that their sums need no memory of their own.
constexpr std::size_t kMostBlocks = 256;

/// The sum of `body(begin, end)` over blocks of `block` items.
template <class F>
double sum_of_blocks(std::size_t count, std::size_t block, const F& body) {
  const std::size_t blocks = (count + block - 1) / block;
  std::array<double, kMostBlocks> sums{};
  double total = 0;
  for (std::size_t round = 0; round < blocks; round += kMostBlocks) {
    const std::size_t here = std::min(kMostBlocks, blocks - round);
    parallel_for(static_cast<std::int64_t>(here), kBlocksPerThread, [&](std::int64_t first, std::int64_t last) {
      for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
        const std::size_t begin = (round + i) * block;
        sums[i] = body(begin, std::min(count, begin + block));
      }
    });
    for (std::size_t i = 0; i < here; ++i) {
      total += sums[i];
    }
  }
  return total;
}

std::size_t numbers_of(const MuonRows& rows) { return rows.width * (rows.pairs ? 2 : 1); }

/// Whether the `width` numbers from `to` on, in the plain order, lie `stride` apart in memory from `at` on.
bool is_run(const std::vector<std::uint32_t>& positions, std::size_t to, std::size_t width, std::uint32_t at,
            std::uint32_t stride) {
  for (std::size_t j = 0; j < width; ++j) {
    if (positions[to + j] != at + stride * j) {
      return false;
    }
  }
  return true;
}

}  // namespace

// Every tile is looked at: a layout with padding or with blocks of another size fails a run, and falls to narrower
// ones. Padding has no position in the plain order, so that no tile holds any, and it stays zero.
MuonTiles MuonTiles::of(const WeightLayout& layout) {
  const auto positions = layout.positions();
  const auto columns = static_cast<std::size_t>(layout.shape().back());
  const std::size_t rows = positions.size() / columns;
  const auto made = [&](std::size_t width, bool pairs) -> MuonTiles {
    const std::size_t high = pairs ? 2 : 1;
    MuonTiles result{{}, width, pairs};
    if (columns % width != 0 || rows % high != 0) {
      return {};
    }
    for (std::size_t row = 0; row < rows; row += high) {
      for (std::size_t column = 0; column < columns; column += width) {
        const std::size_t to = row * columns + column;
        const std::uint32_t at = positions[to];
        const auto stride = static_cast<std::uint32_t>(high);
        if (!is_run(positions, to, width, at, stride) ||
            (pairs && !is_run(positions, to + columns, width, at + 1, stride))) {
          return {};
        }
        result.tiles.push_back({at, static_cast<std::uint32_t>(to)});
      }
    }
    return result;
  };
  for (const std::size_t width : {16U, 8U}) {
    for (const bool pairs : {false, true}) {
      if (MuonTiles tiles = made(width, pairs); !tiles.tiles.empty()) {
        return tiles;
      }
    }
  }
  return made(1, false);
}

double muon_directions(const MuonRows& rows, std::size_t tiles) {
  return sum_of_blocks(tiles, kBlock / numbers_of(rows), [&](std::size_t begin, std::size_t end) {
    return HWY_DYNAMIC_DISPATCH(write_directions)(rows, begin, end);
  });
}

void muon_move(const MuonRows& rows, std::size_t tiles) {
  const auto grain = static_cast<std::int64_t>(kBlocksPerThread * kBlock / numbers_of(rows));
  parallel_for(static_cast<std::int64_t>(tiles), grain, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(move_weights)(rows, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
  });
}

double sum_of_squares(std::span<const float> numbers) {
  return sum_of_blocks(numbers.size(), kBlock, [&](std::size_t begin, std::size_t end) {
    return HWY_DYNAMIC_DISPATCH(square_sum)(numbers.data() + begin, end - begin);
  });
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
