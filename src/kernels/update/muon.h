#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "kernels/update/muon_tiles.h"
#include "kernels/update_rule.h"
#include "kernels/weight_layout.h"

namespace lapel::kernels {

/// The update of Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) for one weight of two or more
/// dimensions, taken as a matrix of its outputs, the last dimension, by all others:
///   m = momentum m + g;  d = g + momentum m with nesterov, else m;
///   w -= lr weight_decay w + lr s orthogonalize(d),  s = sqrt(max(1, outputs / others)).
/// With `normalize`, as in airbench94_muon: w *= sqrt(outputs) / |w| first, and s = 1.
/// Holds the memory that this takes, so that an update allocates nothing: a matrix of directions, and what
/// `orthogonalize` wants.
///
/// Unlike the other rules it needs the whole gradient at once. It passes over the weight three times: momentum and
/// direction (with the sum of squares that scales the first product), with `normalize` the weights' norm, and the move.
class MuonUpdate {
 public:
  explicit MuonUpdate(const WeightLayout& layout);

  /// Over all threads; `state1` is m. Throws Error (kInternal) where lengths differ.
  void apply(const MuonRule& rule, const UpdateSpan& span);
  [[nodiscard]] std::size_t bytes() const;

 private:
  std::size_t packed_size_;
  std::int64_t outputs_;
  std::int64_t others_;
  MuonTiles tiles_;
  Buffer direction_;
  Buffer scratch_;
};

}  // namespace lapel::kernels
