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
///
/// A row of a panel is one or more whole vectors of every instruction set, and the next one follows it: a product reads
/// a panel from its begin to its end. 64 outputs are the four vectors of AVX-512 beside which a tile has four rows. In
/// bfloat16 a word holds the weights of inputs 2k and 2k + 1, the two that VDPBF16PS multiplies and adds at once.
/// What lies beyond `in` and `out` are zeros, which stay zeros under every optimizer.
struct DensePanels {
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t width = 0;   ///< 16, 32 or 64
  std::size_t group = 1;   ///< Neighbouring inputs that lie together: as many as a word of 32 bits holds.
  std::size_t rows = 0;    ///< `in`, up to a multiple of 16
  std::size_t panels = 0;  ///< out / width, rounded up

  /// Weights of a panel, padding included; as words of bfloat16 half as many.
  [[nodiscard]] std::size_t panel_size() const { return rows * width; }
  /// Columns of a panel up to the last that holds an output, in whole sixteens.
  [[nodiscard]] std::size_t used(std::size_t panel) const {
    return std::min(width, (out - panel * width + 15) / 16 * 16);
  }
};

/// The layout of such panels for a kernel of `in` x `out` weights, as narrow as holds the outputs: a classifier's ten
/// outputs are multiplied, stored and updated as 16 and not as 64.
[[nodiscard]] WeightLayout dense_panel_layout(std::int64_t in, std::int64_t out, Dtype dtype);

/// What `layout`, of a dense kernel, is in these terms; empty where it is something else.
[[nodiscard]] std::optional<DensePanels> dense_panels_of(const WeightLayout& layout, Dtype dtype);

}  // namespace lapel::kernels
