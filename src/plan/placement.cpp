#include "plan/placement.h"

#include <algorithm>
#include <numeric>

#include "base/buffer.h"

namespace lapel::plan {

Placement place(const std::vector<Lifetime>& pieces) {
  std::vector<std::size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return pieces[a].bytes > pieces[b].bytes; });

  Placement map{std::vector<std::size_t>(pieces.size(), 0), 0};
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    const auto& piece = pieces[index];
    const std::size_t size = Buffer::aligned(piece.bytes);
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      const bool together = pieces[other].first <= piece.last && piece.first <= pieces[other].last;
      if (!together) {
        continue;
      }
      if (offset + size <= map.offsets[other]) {
        break;
      }
      offset = std::max(offset, map.offsets[other] + Buffer::aligned(pieces[other].bytes));
    }
    map.offsets[index] = offset;
    map.bytes = std::max(map.bytes, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) { return map.offsets[a] < map.offsets[b]; }),
                  index);
  }
  return map;
}

}  // namespace lapel::plan
