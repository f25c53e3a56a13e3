#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/cpu.h"
#include "kernels/weight_layout.h"

namespace lapel::kernels {

/// The weights of a dense layer as its own kernels read them: panels of `width` outputs, in each of which the rows of
/// inputs follow one another. Weight (i, o) lies at
///     (o / width) * rows * width + (i / group) * group * width + (o % width) * group + i % group.
/// These are oneDNN's OI16i{width}o and, with `group` 2 for bfloat16, OI8i{width}o2i.
struct DensePanels {
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t width = 0;   ///< 16, 32 or 64
  std::size_t group = 1;   ///< Neighbouring inputs that lie together: as many as a word of 32 bits holds.
  std::size_t rows = 0;    ///< `in`, up to a multiple of 16
  std::size_t panels = 0;  ///< out / width, rounded up

  [[nodiscard]] std::size_t panel_size() const { return rows * width; }
  /// Columns of a panel up to the last that holds an output, in whole sixteens.
  [[nodiscard]] std::size_t used(std::size_t panel) const {
    return std::min(width, (out - panel * width + 15) / 16 * 16);
  }
};

/// The layout of such panels for a kernel of `in` x `out` weights, as narrow as holds the outputs.
[[nodiscard]] WeightLayout dense_panel_layout(std::int64_t in, std::int64_t out, Dtype dtype);

/// What `layout`, of a dense kernel, is in these terms; empty where it is something else.
[[nodiscard]] std::optional<DensePanels> dense_panels_of(const WeightLayout& layout, Dtype dtype);

}  // namespace lapel::kernels
