#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/simd_rows.h"
#include "kernels/weight_layout.h"

/// The passes of Muon's update over a weight, which turn its order in memory into that of a matrix and back.
namespace lapel::kernels {

/// A weight's numbers, each in one tile.
struct MuonTiles {
  std::vector<MuonTile> tiles;
  std::size_t width = 1;
  bool pairs = false;

  /// The largest tiles that the layout has: of 16 or 8 outputs, of one input or of two that alternate (as layouts for
  /// bfloat16 have them); else single numbers.
  [[nodiscard]] static MuonTiles of(const WeightLayout& layout);
};

/// m = momentum m + g of every number; writes the directions, g + momentum m with nesterov, else m. Over all threads.
/// Returns the sum of their squares, the same for any number of threads.
[[nodiscard]] double muon_directions(const MuonRows& rows, std::size_t tiles);

/// w = keep w - rate orthogonal. Over all threads.
void muon_move(const MuonRows& rows, std::size_t tiles);

/// Over all threads, the same for any number of them.
[[nodiscard]] double sum_of_squares(std::span<const float> numbers);

}  // namespace lapel::kernels
