#include "kernels/dense/parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense/input_grad.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dense/input_grad_inl.h"
#include "kernels/dense/pack_inl.h"
#include "kernels/dense/product_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// One panel of packed gradients, transposed: what was made just before and is near. For each 64 rows of the batch a
/// block of its own, in which a row is an output (in bfloat16 a pair of outputs) and has the samples as its columns: B
/// of the product that makes the input's gradient.
void transpose_panel(const DensePack& pack, std::size_t panel) {
  const std::size_t group = pack.panels.group;
  const std::size_t width = pack.panels.width;
  const std::size_t rows = dense_packed_rows(pack.batch);
  const std::size_t words = pack.panels.panels * width / group;  // of all outputs
  const std::uint32_t* const from = pack.packed + panel * rows / group * width;
  for (std::size_t first = 0; first < pack.batch; first += kBlock) {
    const std::size_t to_row = dense_transposed_width(pack.batch, first);
    // The blocks before this one are all 64 wide, so that `first` times `words` lie before it.
    std::uint32_t* const to = pack.transposed + first * words + panel * width / group * to_row;
    for (std::size_t row = first; row < HWY_MIN(rows, first + kBlock); row += 4) {
      for (std::size_t column = 0; column < pack.panels.used(panel); column += 4) {
        const std::uint32_t* const block = from + row / group * width + column;
        std::uint32_t* const transposed = to + column / group * to_row + row - first;
        if (group == 1) {
          transpose_words(block, width, transposed, to_row);
        } else {
          transpose_pairs(block, width, transposed, to_row);
        }
      }
    }
  }
}

}  // namespace

void pack_part(const DensePack& pack, const Part& panels) {
  const std::size_t width = pack.panels.width;
  const std::size_t panel_words = dense_packed_rows(pack.batch) / pack.panels.group * width;
  for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
    const std::size_t first = panel * width;
    const std::size_t count = HWY_MIN(width, pack.panels.out - first);
    std::uint32_t* const to = pack.packed + panel * panel_words;
    if (is_pairs(pack.panels)) {
      pack_columns(static_cast<const std::uint16_t*>(pack.output_grad), static_cast<const std::uint16_t*>(pack.output),
                   pack.panels.out, pack.batch, first, count, width, to);
    } else {
      pack_columns(static_cast<const float*>(pack.output_grad), static_cast<const float*>(pack.output), pack.panels.out,
                   pack.batch, first, count, width, to);
    }
    if (pack.transposed != nullptr) {
      transpose_panel(pack, panel);
    }
  }
}

namespace {

/// Depth of the products with transposed weights: as much as stays in the nearest cache with 64 inputs each (32 KiB).
constexpr std::size_t kMostTransposed = 128;

/// Writes whole lines past the caches, which would read them first (a store to a line that is not there begins with a
/// read for ownership). `to` and `count` numbers are whole lines: non-temporal stores of parts of a line are slow, and
/// the neighbour's part would be another thread's.
template <class T>
void stream_numbers(const float* from, std::size_t count, T* to) {
  const hn::ScalableTag<float> d;
  alignas(64) T numbers[kBlock];
  for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
    store_number(d, hn::Load(d, from + i), numbers + i);
  }
  const hn::ScalableTag<T> lines;
  for (std::size_t i = 0; i < count; i += hn::Lanes(lines)) {
    hn::Stream(hn::Load(lines, numbers + i), lines, to + i);
  }
}

/// Of a layer with fewer outputs than the batch has rows: its weights are transposed, which are fewer than the results,
/// and the results come out as they are to lie. (input_grad_part makes dx', inputs as rows, and transposes that.) Sums
/// are those of input_grad_part, in the same order, and so are the bits.
///
/// B are the transposed weights of 64 inputs, made once and used for the whole batch; A is the transposed gradient,
/// whose columns are the samples: a_row_stride is 1.
template <class T>
void narrow_input_grad(const DenseInputGrad& dense, const Part& rows) {
  alignas(64) float sums[kBlock * kBlock];
  alignas(64) std::uint32_t pairs_of_outputs[kBlock * kBlock / 2];
  // Zeros: inputs may be fewer than the `width` columns that are multiplied.
  alignas(64) std::uint32_t transposed[kMostTransposed * kBlock] = {};
  const DensePanels& panels = dense.panels;
  const std::size_t words = panels.width / panels.group;
  const bool lines_are_whole = panels.in * sizeof(T) % kLine == 0 && rows.begin * sizeof(T) % kLine == 0 &&
                               reinterpret_cast<std::uintptr_t>(dense.input_grad) % kLine == 0;
  const bool streams = lines_are_whole && dense.batch * panels.in * sizeof(T) > kDenseFar;
  for (std::size_t row = rows.begin; row < HWY_MIN(rows.end, panels.in); row += kBlock) {
    const std::size_t count = HWY_MIN(kBlock, HWY_MIN(rows.end, panels.rows) - row);
    const std::size_t width = dense_transposed_width(count, 0);
    for (std::size_t panel = 0; panel < panels.panels; ++panel) {
      const std::uint32_t* from = dense.weights + panel * panels.panel_size() / panels.group + row * words;
      if (is_pairs(panels)) {
        rows_of_pairs(from, count, panels.width, pairs_of_outputs);
        from = pairs_of_outputs;
      }
      for (std::size_t i = 0; i < count; i += 4) {
        for (std::size_t word = 0; word < words; word += 4) {
          transpose_words(from + i * words + word, words, transposed + (panel * words + word) * width + i, width);
        }
      }
    }
    const std::size_t inputs = HWY_MIN(row + count, panels.in) - row;
    const bool whole_lines = inputs * sizeof(T) % kLine == 0;  // At the end of a part it may be half a line.
    // The weights of the next 64 inputs, of every panel, come during the first 64 samples of these.
    const bool last = row + kBlock >= HWY_MIN(rows.end, panels.in);
    const Ahead next{dense.weights + (row + kBlock) * words,
                     last || !dense_weights_are_far(panels) ? 0 : kBlock * words * sizeof(std::uint32_t),
                     panels.panel_size() / panels.group * sizeof(std::uint32_t), panels.panels};
    for (std::size_t first = 0; first < dense.batch; first += kBlock) {
      const std::size_t samples = HWY_MIN(kBlock, dense.batch - first);
      multiply({dense.transposed + first * panels.panels * words,
                1,
                dense_transposed_width(dense.batch, first),
                transposed,
                (panels.out + panels.group - 1) / panels.group,
                sums,
                samples,
                width,
                width,
                false,
                {first == 0 ? next : Ahead{}}},
               is_pairs(panels));
      for (std::size_t n = 0; n < samples; ++n) {
        T* const to = static_cast<T*>(dense.input_grad) + (first + n) * panels.in + row;
        if (streams && whole_lines) {
          stream_numbers(sums + n * width, inputs, to);
        } else {
          for_each_covering_vector(inputs, CopyRow<T>{sums + n * width, to});
        }
      }
    }
  }
  if (streams) {
    hwy::FlushStream();
  }
}

}  // namespace

void input_grad_part(const DenseInputGrad& dense, const Part& rows) {
  if (dense.panels.panels * dense.panels.width <= kMostTransposed * dense.panels.group &&
      dense.panels.panels * dense.panels.width < dense.batch) {
    if (is_pairs(dense.panels)) {
      narrow_input_grad<std::uint16_t>(dense, rows);
    } else {
      narrow_input_grad<float>(dense, rows);
    }
    return;
  }
  // Inputs are the rows of the result here, and the weights are A as they lie: 64 inputs, and for them all samples, so
  // that a weight is read from afar once. Innermost are the panels, over which the sums go.
  alignas(64) float sums[kBlock * kBlock];
  for (std::size_t row = rows.begin; row < HWY_MIN(rows.end, dense.panels.in); row += kBlock) {
    const Part some{row, HWY_MIN(row + kBlock, HWY_MIN(rows.end, dense.panels.rows))};
    for (std::size_t first = 0; first < dense.batch; first += kBlock) {
      for (std::size_t panel = 0; panel < dense.panels.panels; ++panel) {
        add_input_grad(dense, some, first, panel, sums, {next_weights(dense, some, panel), {}});
      }
      store_input_grad(dense, some, first, sums);
    }
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(pack_part);
HWY_EXPORT(input_grad_part);

}  // namespace

void dense_pack(const DensePack& pack, const Part& panels) { HWY_DYNAMIC_DISPATCH(pack_part)(pack, panels); }

void dense_input_grad(const DenseInputGrad& dense, const Part& rows) {
  HWY_DYNAMIC_DISPATCH(input_grad_part)(dense, rows);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
