#include "kernels/cpu.h"
#include "kernels/dense/parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense/forward.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dense/product_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Rows that a panel of near weights is multiplied with before the next one: all weights together, which the second
/// cache may not hold beside them, are read once for so many. Their sums are made 64 rows at a time all the same.
constexpr std::size_t kNearRows = 128;
/// Rows that share a stretch of weights from far: their sums, 64 KiB a panel, stay in the second cache.
constexpr std::size_t kFarRows = 256;
/// Panels that are multiplied with a stretch of the input while it is near.
constexpr std::size_t kFarPanels = 2;

/// How a product whose factors both come from far is divided.
struct Stretches {
  std::size_t depth = 0;
  bool fetches_rows = false;  ///< The rows' next stretch, by prefetches of ours.
};

/// In a nearest cache of 48 KiB there are a stretch's columns and the next one's, 24 KiB each. In one of 32 KiB short
/// stretches gain nothing: there they are long, so that the hardware fetches the rows, and sums are seldom loaded. On a
/// Zen 4 (32 KiB) 256 predictions of cnn-5408 take 0.96 of the time of short stretches.
Stretches far_stretches() {
  constexpr std::size_t kSmall = std::size_t{32} << 10U;
  const std::size_t near = cpu().near_bytes;
  return near > 0 && near <= kSmall ? Stretches{512, false} : Stretches{96, true};
}

/// What multiply_in_stretches makes, where both factors come from far, of `panels` panels, `panel_words` and in `sums`
/// `panel_sums` apart: each stretch fetches those of the next, the last one the columns at `next`.
/// The depth is the outer loop and the panels the inner one, so that a stretch of the rows is read from memory once for
/// all of these panels. Line by line the weights arrive while the processor multiplies: cnn-5408's layer takes 4.0 ms
/// forward in float32, and 4.8 with prefetches in bursts.
void multiply_streaming(TileProduct product, const Stretches& stretches, std::size_t panels, std::size_t panel_words,
                        std::size_t panel_sums, const std::array<std::size_t, kFarPanels>& columns,
                        const std::uint32_t* next, bool pairs) {
  const std::size_t depth = product.depth;
  const std::size_t stretch_words = stretches.depth * product.width;
  for (std::size_t begin = 0; begin < depth; begin += stretches.depth) {
    const std::size_t rest = depth - begin;
    product.depth = HWY_MIN(stretches.depth, rest);
    product.add = begin > 0;
    const std::size_t next_depth = HWY_MIN(stretches.depth, rest - product.depth);
    const std::uint32_t* const next_a = product.a + stretches.depth * product.a_depth_stride;
    for (std::size_t panel = 0; panel < panels; ++panel) {
      TileProduct one = product;
      one.b += panel * panel_words;
      one.sums += panel * panel_sums;
      one.columns = columns[panel];
      if (next_depth > 0) {
        one.streams[0] = {one.b + stretch_words, next_depth * product.width * sizeof(std::uint32_t) / product.rows};
        if (panel == 0 && stretches.fetches_rows) {
          one.ahead[1] = {next_a, next_depth * sizeof(std::uint32_t), product.a_row_stride * sizeof(std::uint32_t),
                          product.rows};
        }
      } else if (panel == 0 && next != nullptr) {
        one.streams[0] = {next, stretch_words * sizeof(std::uint32_t) / product.rows};
      }
      multiply<true>(one, pairs);
    }
    product.a = next_a;
    product.b += stretch_words;
  }
}

/// Sums to outputs: what a GEMM's epilogue does, in the pass that stores them.
template <class T>
struct FinishRow {
  const float* sums;
  const float* bias;
  bool relu;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    auto value = load(d, sums + i);
    if (bias != nullptr) {
      value = hn::Add(value, load(d, bias + i));
    }
    if (relu) {
      // A NaN stays: it must reach the loss.
      value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);
    }
    store_number(d, value, to + i);
  }
};

template <class T>
void finish_rows(const DenseForward& dense, const float* sums, std::size_t row, std::size_t rows, std::size_t panel) {
  const std::size_t first = panel * dense.panels.width;
  const std::size_t count = HWY_MIN(dense.panels.width, dense.panels.out - first);
  const float* const bias = dense.bias == nullptr ? nullptr : dense.bias + first;
  for (std::size_t r = 0; r < rows; ++r) {
    T* const to = static_cast<T*>(dense.output) + (row + r) * dense.panels.out + first;
    for_each_covering_vector(count, FinishRow<T>{sums + r * dense.panels.width, bias, dense.relu, to});
  }
}

void finish(const DenseForward& dense, const float* sums, std::size_t row, std::size_t rows, std::size_t panel) {
  if (is_pairs(dense.panels)) {
    finish_rows<std::uint16_t>(dense, sums, row, rows, panel);
  } else {
    finish_rows<float>(dense, sums, row, rows, panel);
  }
}

/// The product of rows [row, row + rows) and one panel.
TileProduct product_of(const DenseForward& dense, std::size_t row, std::size_t rows, std::size_t panel, float* sums) {
  const DensePanels& panels = dense.panels;
  return {dense.input + row * dense.input_words,
          dense.input_words,
          1,
          dense.weights + panel * panels.panel_size() / panels.group,
          (panels.in + panels.group - 1) / panels.group,
          sums,
          rows,
          panels.width,
          panels.used(panel),
          false,
          {}};
}

/// Weights come from memory once for as many as kFarRows rows, the input once for two panels. The sums of both panels,
/// 128 KiB, lie on the stack of the thread.
void forward_from_far(const DenseForward& dense, const Part& rows, const Part& panels) {
  constexpr std::size_t kPanelSums = kFarRows * kBlock;
  alignas(64) float sums[kFarPanels * kPanelSums];
  const std::size_t panel_words = dense.panels.panel_size() / dense.panels.group;
  const Stretches stretches = far_stretches();
  for (std::size_t panel = panels.begin; panel < panels.end; panel += kFarPanels) {
    const std::size_t count = HWY_MIN(kFarPanels, panels.end - panel);
    std::array<std::size_t, kFarPanels> columns{};
    for (std::size_t i = 0; i < count; ++i) {
      columns[i] = dense.panels.used(panel + i);
    }
    for (std::size_t row = rows.begin; row < rows.end; row += kFarRows) {
      const TileProduct product = product_of(dense, row, HWY_MIN(kFarRows, rows.end - row), panel, sums);
      const std::uint32_t* const next = row + kFarRows < rows.end    ? product.b
                                        : panel + count < panels.end ? product.b + count * panel_words
                                                                     : nullptr;
      multiply_streaming(product, stretches, count, panel_words, kPanelSums, columns, next, is_pairs(dense.panels));
      for (std::size_t i = 0; i < count; ++i) {
        finish(dense, sums + i * kPanelSums, row, product.rows, panel + i);
      }
    }
  }
}

}  // namespace

void forward_part(const DenseForward& dense, const Part& rows, const Part& panels) {
  if (dense_weights_are_far(dense.panels)) {
    forward_from_far(dense, rows, panels);
    return;
  }
  alignas(64) float sums[kBlock * kBlock];
  // Rows in groups, panels, rows of a group: a panel is read for the whole group while it is near, and the group's rows
  // stay near from panel to panel.
  for (std::size_t group = rows.begin; group < rows.end; group += kNearRows) {
    const std::size_t end = HWY_MIN(rows.end, group + kNearRows);
    for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
      for (std::size_t row = group; row < end; row += kBlock) {
        const TileProduct product = product_of(dense, row, HWY_MIN(kBlock, end - row), panel, sums);
        multiply_in_stretches(product, is_pairs(dense.panels));
        finish(dense, sums, row, product.rows, panel);
      }
    }
  }
}

void forward_sums_part(const DenseForward& dense, const Part& rows, std::size_t panel, const Part& inputs,
                       float* sums) {
  const std::size_t group = dense.panels.group;
  const std::size_t first = inputs.begin / group;
  for (std::size_t row = rows.begin; row < rows.end; row += kBlock) {
    float* const to = sums + row * dense.panels.width;
    TileProduct product = product_of(dense, row, HWY_MIN(kBlock, rows.end - row), panel, to);
    product.a += first;
    product.b += first * dense.panels.width;
    product.depth = (HWY_MIN(inputs.end, dense.panels.in) + group - 1) / group - first;
    multiply_in_stretches(product, is_pairs(dense.panels));
  }
}

void add_sums_part(const DenseForward& dense, std::size_t batch, const Part& rows, const float* sums,
                   std::size_t parts) {
  alignas(64) float all[kBlock];
  const std::size_t width = dense.panels.width;
  const std::size_t panel_sums = batch * width;
  const hn::CappedTag<float, 16> d;  // Used columns are multiples of 16: no tail.
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    for (std::size_t panel = 0; panel < dense.panels.panels; ++panel) {
      const float* const from = sums + panel * panel_sums + row * width;
      for (std::size_t i = 0; i < dense.panels.used(panel); i += hn::Lanes(d)) {
        auto sum = hn::LoadU(d, from + i);
        // In the order of the parts, whichever thread made them.
        for (std::size_t part = 1; part < parts; ++part) {
          sum = hn::Add(sum, hn::LoadU(d, from + part * dense.panels.panels * panel_sums + i));
        }
        hn::Store(sum, d, all + i);
      }
      finish(dense, all, row, 1, panel);
    }
  }
}

void pad_rows_part(const std::uint16_t* from, std::size_t size, std::uint16_t* to, const Part& rows) {
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    std::memcpy(to + row * (size + 1), from + row * size, size * sizeof(std::uint16_t));
    to[row * (size + 1) + size] = 0;
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(forward_part);
HWY_EXPORT(forward_sums_part);
HWY_EXPORT(add_sums_part);
HWY_EXPORT(pad_rows_part);

}  // namespace

void dense_forward(const DenseForward& dense, const Part& rows, const Part& panels) {
  HWY_DYNAMIC_DISPATCH(forward_part)(dense, rows, panels);
}

void dense_forward_sums(const DenseForward& dense, const Part& rows, std::size_t panel, const Part& inputs,
                        float* sums) {
  HWY_DYNAMIC_DISPATCH(forward_sums_part)(dense, rows, panel, inputs, sums);
}

void dense_add_sums(const DenseForward& dense, std::size_t batch, const Part& rows, const float* sums,
                    std::size_t parts) {
  HWY_DYNAMIC_DISPATCH(add_sums_part)(dense, batch, rows, sums, parts);
}

void dense_pad_rows(const std::uint16_t* from, std::size_t size, std::uint16_t* to, const Part& rows) {
  HWY_DYNAMIC_DISPATCH(pad_rows_part)(from, size, to, rows);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
