#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/weight_layout.h"

/// The passes of Muon's update over a weight, which turn its order in memory into that of a matrix and back. A
/// permutation number by number would be a scatter; layouts are blocked, so that 16 or 8 outputs at least are
/// neighbours in both orders, and a table of where each tile lies is all that is needed of the layout.
namespace lapel::kernels {

/// Numbers of a weight that are neighbours, in memory from `at` on and in a matrix of a row for each
/// of its inputs from `to` on.
struct MuonTile {
  std::uint32_t at;
  std::uint32_t to;
};

/// A weight as tiles of `width` columns, and what an update does with it (muon.h).
struct MuonRows {
  const MuonTile* tiles = nullptr;
  std::size_t width = 1;  ///< 16, 8 or 1.
  /// Each tile is of two rows whose numbers alternate in memory; else of one.
  bool pairs = false;
  std::size_t columns = 0;
  float momentum = 0;
  bool nesterov = false;
  float keep = 1;  ///< Of muon_move: w = keep w - rate orthogonal.
  float rate = 0;
  float* weights = nullptr;
  const float* grads = nullptr;
  float* state = nullptr;
  std::uint16_t* low = nullptr;       ///< The weights as bfloat16; may be null.
  float* direction = nullptr;         ///< The matrix that is written.
  const float* orthogonal = nullptr;  ///< The one that is read.
};

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

/// Over all threads, the same for any number of them. 0 for none.
[[nodiscard]] double sum_of_squares(std::span<const float> numbers);

}  // namespace lapel::kernels
