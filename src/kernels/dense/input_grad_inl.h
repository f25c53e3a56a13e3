// The gradient of a dense layer's input, compiled once for each instruction set: include it after hwy/highway.h, in
// every file that foreach_target.h repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_DENSE_INPUT_GRAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_DENSE_INPUT_GRAD_INL_H
#undef LAPEL_KERNELS_DENSE_INPUT_GRAD_INL_H
#else
#define LAPEL_KERNELS_DENSE_INPUT_GRAD_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "kernels/dense/pack_inl.h"
#include "kernels/dense/parts.h"
#include "kernels/dense/product_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class T>
struct CopyRow {
  const float* from;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    store_number(d, load(d, from + i), to + i);
  }
};

/// sums[i][n], `width` floats a row, to numbers of rows of the input's gradient, from sample `first_row` on. The result
/// of a tile is dx', inputs by samples: it is transposed in blocks of 4 x 4 on the stack (16 KiB) and then stored in
/// rows, for stores of single numbers, `in` apart, would each touch another line.
template <class T>
void store_numbers(const DenseInputGrad& dense, const std::uint32_t* sums, std::size_t width, std::size_t first_row,
                   const Part& inputs) {
  alignas(64) std::uint32_t transposed[kBlock * kBlock];
  const std::size_t rows = HWY_MIN(width, dense.batch - first_row);
  const std::size_t count = inputs.end - inputs.begin;
  for (std::size_t i = 0; i < count; i += 4) {
    for (std::size_t n = 0; n < rows; n += 4) {
      transpose_words(sums + i * width + n, width, transposed + n * kBlock + i, kBlock);
    }
  }
  for (std::size_t n = 0; n < rows; ++n) {
    T* const to = static_cast<T*>(dense.input_grad) + (first_row + n) * dense.panels.in + inputs.begin;
    for_each_covering_vector(count, CopyRow<T>{reinterpret_cast<const float*>(transposed) + n * kBlock, to});
  }
}

/// Weights from memory that are multiplied after those of `inputs` and one panel: those of the same inputs and the next
/// panel, or of the next inputs and the first one. None for nearer weights. The hardware does not find them: a panel is
/// read 64 rows long, and then another one.
inline Stream next_weights(const DenseInputGrad& dense, const Part& inputs, std::size_t panel) {
  const DensePanels& panels = dense.panels;
  if (!dense_weights_are_far(panels)) {
    return {};
  }
  const std::size_t next = panel + 1 < panels.panels ? (panel + 1) * panels.panel_size() + inputs.begin * panels.width
                                                     : inputs.end * panels.width;
  return {dense.weights + next / panels.group, panels.width / panels.group * sizeof(std::uint32_t)};
}

/// Adds, of at most 64 inputs and 64 rows of the batch from `first` on, what one panel gives to the gradient: `sums`,
/// of a row for each input, begin with panel 0. `streams` are fetched. In floats A is the panel as it lies. In bfloat16
/// the weights' pairs are of inputs, but the product sums over outputs: 64 rows are turned into pairs of outputs first
/// (rows_of_pairs), on the stack.
inline void add_input_grad(const DenseInputGrad& dense, const Part& inputs, std::size_t first, std::size_t panel,
                           float* sums, const Streams& streams) {
  alignas(64) std::uint32_t pairs_of_outputs[kBlock * kBlock / 2];
  const DensePanels& panels = dense.panels;
  const std::size_t count = inputs.end - inputs.begin;
  const std::size_t depth = panels.width / panels.group;
  const std::size_t width = dense_transposed_width(dense.batch, first);
  const std::uint32_t* const block =
      dense.weights + (panel * panels.panel_size() + inputs.begin * panels.width) / panels.group;
  const std::uint32_t* a = block;
  if (is_pairs(panels)) {
    rows_of_pairs(block, count, panels.width, pairs_of_outputs);
    a = pairs_of_outputs;
  }
  TileProduct product;
  product.a = a;
  product.a_row_stride = depth;
  product.a_depth_stride = 1;
  product.b = dense.transposed + (first * panels.panels + panel * width) * depth;
  product.depth = panels.used(panel) / panels.group;  // Columns beyond are zeros.
  product.sums = sums;
  product.rows = count;
  product.width = width;
  product.columns = width;
  product.add = panel > 0;
  product.streams = streams;
  if (streams[0].from != nullptr) {
    multiply<true>(product, is_pairs(panels));
  } else {
    multiply(product, is_pairs(panels));
  }
}

/// What add_input_grad has made of all panels, to the gradient. `inputs` may reach into the padding, which is left out.
inline void store_input_grad(const DenseInputGrad& dense, const Part& inputs, std::size_t first, const float* sums) {
  const auto* const words = reinterpret_cast<const std::uint32_t*>(sums);
  const std::size_t width = dense_transposed_width(dense.batch, first);
  const Part stored{inputs.begin, HWY_MIN(inputs.end, dense.panels.in)};
  if (is_pairs(dense.panels)) {
    store_numbers<std::uint16_t>(dense, words, width, first, stored);
  } else {
    store_numbers<float>(dense, words, width, first, stored);
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
