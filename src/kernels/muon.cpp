#include "kernels/muon.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "kernels/orthogonalize.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

constexpr std::int64_t kGrain = 1 << 12;

/// Runs `body(i)` for every number, over all threads.
template <class F>
void for_numbers(std::size_t count, const F& body) {
  parallel_for(static_cast<std::int64_t>(count), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      body(i);
    }
  });
}

double norm(std::span<const float> numbers) {
  double sum = 0;
  for (const float number : numbers) {
    sum += static_cast<double>(number) * static_cast<double>(number);
  }
  return std::sqrt(sum);
}

}  // namespace

MuonUpdate::MuonUpdate(const WeightLayout& layout)
    : packed_size_(static_cast<std::size_t>(layout.packed_size())),
      outputs_(layout.shape().back()),
      others_(layout.size() / outputs_),
      positions_(layout.positions()),
      direction_(positions_.size() * sizeof(float)),
      scratch_(orthogonalize_scratch(others_, outputs_) * sizeof(float)) {}

void MuonUpdate::apply(const MuonStep& step, const UpdateSpan& span) {
  for (const std::size_t length : {span.weights.size(), span.grads.size(), span.state1.size()}) {
    if (length != packed_size_) {
      throw Error(ErrorKind::kInternal, {}, "an update of another weight");
    }
  }
  const auto direction = direction_.as<float>().first(positions_.size());
  for_numbers(positions_.size(), [&](std::size_t i) {
    const std::size_t at = positions_[i];
    const float moved = step.momentum * span.state1[at] + span.grads[at];
    span.state1[at] = moved;
    direction[i] = step.nesterov ? span.grads[at] + step.momentum * moved : moved;
  });
  orthogonalize(direction, others_, outputs_, step.steps, scratch_.as<float>());
  const double outputs = static_cast<double>(outputs_);
  // A weight that is all zero has no direction to keep.
  const double length = step.normalize ? norm(span.weights) : 0;
  const double kept = (length > 0 ? std::sqrt(outputs) / length : 1) *
                      (1 - static_cast<double>(step.learning_rate) * static_cast<double>(step.weight_decay));
  const double scale = step.normalize ? 1 : std::sqrt(std::max(1.0, outputs / static_cast<double>(others_)));
  const auto keep = static_cast<float>(kept);
  const auto rate = static_cast<float>(static_cast<double>(step.learning_rate) * scale);
  for_numbers(positions_.size(), [&](std::size_t i) {
    const std::size_t at = positions_[i];
    const float weight = keep * span.weights[at] - rate * direction[i];
    span.weights[at] = weight;
    if (!span.low.empty()) {
      span.low[at] = bfloat16_from_float(weight);
    }
  });
}

std::size_t MuonUpdate::bytes() const {
  return direction_.size() + scratch_.size() + positions_.size() * sizeof(std::uint32_t);
}

}  // namespace lapel::kernels
