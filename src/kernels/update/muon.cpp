#include "kernels/update/muon.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/update/orthogonalize.h"
#include "lapel/error.h"

namespace lapel::kernels {

MuonUpdate::MuonUpdate(const WeightLayout& layout)
    : packed_size_(static_cast<std::size_t>(layout.packed_size())),
      outputs_(layout.shape().back()),
      others_(layout.size() / outputs_),
      tiles_(MuonTiles::of(layout)),
      direction_(static_cast<std::size_t>(layout.size()) * sizeof(float)),
      scratch_(orthogonalize_scratch(others_, outputs_) * sizeof(float)) {}

void MuonUpdate::apply(const MuonRule& rule, const UpdateSpan& span) {
  for (const std::size_t length : {span.weights.size(), span.grads.size(), span.state1.size()}) {
    if (length != packed_size_) {
      throw Error(ErrorKind::kInternal, {}, "an update of another weight");
    }
  }
  MuonRows rows;
  rows.tiles = tiles_.tiles.data();
  rows.width = tiles_.width;
  rows.pairs = tiles_.pairs;
  rows.columns = static_cast<std::size_t>(outputs_);
  rows.momentum = rule.momentum;
  rows.nesterov = rule.nesterov;
  rows.weights = span.weights.data();
  rows.grads = span.grads.data();
  rows.state = span.state1.data();
  rows.low = span.low.empty() ? nullptr : span.low.data();
  const auto direction = direction_.as<float>().first(static_cast<std::size_t>(others_ * outputs_));
  rows.direction = direction.data();
  const double length = std::sqrt(muon_directions(rows, tiles_.tiles.size()));
  rows.orthogonal = orthogonalize(direction, others_, outputs_, rule.steps, length, scratch_.as<float>()).data();

  // Decay and normalization are one factor of the weights, so that they cost no pass.
  const double outputs = static_cast<double>(outputs_);
  // A weight that is all zero has no direction to keep.
  const double norm = rule.normalize ? std::sqrt(sum_of_squares(span.weights)) : 0;
  const double kept = (norm > 0 ? std::sqrt(outputs) / norm : 1) *
                      (1 - static_cast<double>(rule.learning_rate) * static_cast<double>(rule.weight_decay));
  const double scale = rule.normalize ? 1 : std::sqrt(std::max(1.0, outputs / static_cast<double>(others_)));
  rows.keep = static_cast<float>(kept);
  rows.rate = static_cast<float>(static_cast<double>(rule.learning_rate) * scale);
  muon_move(rows, tiles_.tiles.size());
}

std::size_t MuonUpdate::bytes() const {
  return direction_.size() + scratch_.size() + tiles_.tiles.size() * sizeof(MuonTile);
}

}  // namespace lapel::kernels
