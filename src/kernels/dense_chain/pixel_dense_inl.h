// What the kernels of pixel_dense.h share, compiled once for each instruction set: include it after hwy/highway.h, in
// every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_PIXEL_DENSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_PIXEL_DENSE_INL_H
#undef LAPEL_KERNELS_PIXEL_DENSE_INL_H
#else
#define LAPEL_KERNELS_PIXEL_DENSE_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "kernels/dense/product_inl.h"
#include "kernels/dense_chain/pixel_dense.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Numbers of one block of memory: what 256 rows of a panel or of the table have at most.
inline constexpr std::size_t kUnit = kPixelValues * kBlock;
/// Calls `body(vectors, column)` for stretches of as many vectors, a constant, that make up `columns`: of four, then of
/// kFewest. A constant, so that a row's stretch of sums stays in registers while pixels pass.
template <std::size_t kFewest, class D, class F>
HWY_INLINE void for_column_vectors(D d, std::size_t columns, const F& body) {
  const std::size_t lanes = hn::Lanes(d);
  std::size_t column = 0;
  for (; column + 4 * lanes <= columns; column += 4 * lanes) {
    body(std::integral_constant<std::size_t, 4>(), column);
  }
  for (; column < columns; column += kFewest * lanes) {
    body(std::integral_constant<std::size_t, kFewest>(), column);
  }
}

inline std::size_t row_words(const PixelDense& dense) { return dense.numbers / dense.panels.group; }

/// The weights of a place in one panel: `numbers` rows of inputs that follow one another, as the layer's inputs are the
/// numbers of place after place.
inline const std::uint32_t* weights_at(const PixelDense& dense, std::size_t place, std::size_t panel) {
  const DensePanels& panels = dense.panels;
  return dense.weights + (panel * panels.panel_size() + place * dense.numbers * panels.width) / panels.group;
}

template <class D>
HWY_INLINE void copy_words(D d, const std::uint32_t* from, std::size_t words, std::uint32_t* to) {
  for (std::size_t i = 0; i < words; i += hn::Lanes(d)) {
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
}

/// `words` is a multiple of 8.
HWY_INLINE void copy_words(const std::uint32_t* from, std::size_t words, std::uint32_t* to) {
  const hn::ScalableTag<std::uint32_t> whole;
  if (words % hn::Lanes(whole) == 0) {
    copy_words(whole, from, words, to);
  } else {
    copy_words(hn::CappedTag<std::uint32_t, 8>(), from, words, to);
  }
}

/// What some pixels have become, one row each: a gather of table rows, so that the product reads A as one dense matrix
/// and not through an index.
HWY_INLINE void gather(const PixelDense& dense, std::span<const std::uint8_t> values, std::uint32_t* to) {
  const std::size_t words = row_words(dense);
  const auto* const table = static_cast<const std::uint32_t*>(dense.table);
  for (std::size_t i = 0; i < values.size(); ++i) {
    copy_words(table + values[i] * words, words, to + i * words);
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
