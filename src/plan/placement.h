#pragma once

#include <cstddef>
#include <vector>

namespace lapel::plan {

/// A piece of memory that is needed from one moment of a step to another, both included.
struct Lifetime {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Where each piece lies in one common stretch, so that no two that live at the same moment overlap.
struct Placement {
  std::vector<std::size_t> offsets;  ///< Multiples of Buffer::kAlignment.
  std::size_t bytes = 0;
};

/// Greedy by size: the largest piece first, each at the lowest place that is free for its whole life
/// (Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference", "greedy by size").
[[nodiscard]] Placement place(const std::vector<Lifetime>& pieces);

}  // namespace lapel::plan
