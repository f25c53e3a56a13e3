#include "kernels/dense_parts.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense_parts.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/dense_input_grad_inl.h"
#include "kernels/dense_pack_inl.h"
#include "kernels/dense_product_inl.h"
#include "kernels/simd_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Rows that share a stretch of weights from far.
constexpr std::size_t kFarRows = 256;
/// Steps whose columns leave room in the nearest cache for those of the next ones.
constexpr std::size_t kFarSteps = 64;

/// What multiply_in_stretches makes, where both factors come from far: each stretch fetches those of the next (of few
/// rows; more would fill the cache), the last one the columns at `next`.
void multiply_streaming(TileProduct product, const std::uint32_t* next, bool pairs) {
  const std::size_t steps = product.steps;
  const std::size_t stretch_bytes = kFarSteps * product.width * sizeof(std::uint32_t);
  for (std::size_t begin = 0; begin < steps; begin += kFarSteps) {
    const std::size_t rest = steps - begin;
    product.steps = HWY_MIN(kFarSteps, rest);
    product.add = begin > 0;
    const std::uint32_t* const next_a = product.a + kFarSteps * product.a_step;
    const std::uint32_t* const next_b = product.b + kFarSteps * product.width;
    if (rest > kFarSteps) {
      const std::size_t next_steps = HWY_MIN(kFarSteps, rest - kFarSteps);
      product.ahead[0] = {next_b, next_steps * product.width * sizeof(std::uint32_t)};
      if (product.rows <= kBlock) {
        product.ahead[1] = {next_a, next_steps * sizeof(std::uint32_t), product.a_row * sizeof(std::uint32_t),
                            product.rows};
      }
    } else {
      product.ahead[0] = {next, next == nullptr ? 0 : stretch_bytes};
      product.ahead[1] = {};
    }
    multiply(product, pairs);
    product.a = next_a;
    product.b = next_b;
  }
}

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
void finish(const DenseForward& dense, const float* sums, std::size_t row, std::size_t rows, std::size_t panel) {
  const std::size_t first = panel * dense.panels.width;
  const std::size_t count = HWY_MIN(dense.panels.width, dense.panels.out - first);
  const float* const bias = dense.bias == nullptr ? nullptr : dense.bias + first;
  for (std::size_t r = 0; r < rows; ++r) {
    T* const to = static_cast<T*>(dense.output) + (row + r) * dense.panels.out + first;
    for_each_vector(0, count, FinishRow<T>{sums + r * dense.panels.width, bias, dense.relu, to});
  }
}

/// One panel of packed gradients, turned.
void turn_panel(const DensePack& pack, std::size_t panel) {
  const std::size_t group = pack.panels.group;
  const std::size_t width = pack.panels.width;
  const std::size_t rows = dense_packed_rows(pack.batch);
  const std::size_t words = pack.panels.panels * width / group;  // of all outputs
  const std::uint32_t* const from = pack.packed + panel * rows / group * width;
  for (std::size_t first = 0; first < pack.batch; first += kBlock) {
    const std::size_t to_row = dense_turned_width(pack.batch, first);
    std::uint32_t* const to = pack.turned + first * words + panel * width / group * to_row;
    for (std::size_t row = first; row < HWY_MIN(rows, first + kBlock); row += 4) {
      for (std::size_t column = 0; column < pack.panels.used(panel); column += 4) {
        const std::uint32_t* const block = from + row / group * width + column;
        std::uint32_t* const turned = to + column / group * to_row + row - first;
        if (group == 1) {
          turn_words(block, width, turned, to_row);
        } else {
          turn_pairs(block, width, turned, to_row);
        }
      }
    }
  }
}

}  // namespace

void forward_part(const DenseForward& dense, const Part& rows, const Part& panels) {
  alignas(64) float sums[kFarRows * kBlock];
  const std::size_t width = dense.panels.width;
  const bool pairs = is_pairs(dense.panels);
  const std::size_t steps = (dense.panels.in + dense.panels.group - 1) / dense.panels.group;
  const std::size_t panel_words = dense.panels.panel_size() / dense.panels.group;
  const auto block = [&](std::size_t row, std::size_t count, std::size_t panel, const auto& multiply_all) {
    multiply_all(TileProduct{dense.input + row * dense.input_words,
                             dense.input_words,
                             1,
                             dense.weights + panel * panel_words,
                             steps,
                             sums,
                             count,
                             width,
                             dense.panels.used(panel),
                             false,
                             {}});
    if (pairs) {
      finish<std::uint16_t>(dense, sums, row, count, panel);
    } else {
      finish<float>(dense, sums, row, count, panel);
    }
  };
  if (dense_weights_are_far(dense.panels)) {
    // Each panel comes from memory once.
    for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
      for (std::size_t row = rows.begin; row < rows.end; row += kFarRows) {
        block(row, HWY_MIN(kFarRows, rows.end - row), panel, [&](const TileProduct& product) HWY_ATTR {
          const bool again = row + kFarRows < rows.end;
          const std::uint32_t* const next = again                    ? product.b
                                            : panel + 1 < panels.end ? product.b + panel_words
                                                                     : nullptr;
          multiply_streaming(product, next, pairs);
        });
      }
    }
    return;
  }
  for (std::size_t row = rows.begin; row < rows.end; row += kBlock) {
    for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
      block(row, HWY_MIN(kBlock, rows.end - row), panel,
            [&](const TileProduct& product) HWY_ATTR { multiply_in_stretches(product, pairs); });
    }
  }
}

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
    if (pack.turned != nullptr) {
      turn_panel(pack, panel);
    }
  }
}

namespace {

/// Of a layer with fewer outputs than the batch has rows: its weights are turned, which are fewer than the results, and
/// the results come out as they are to lie. Sums are those of input_grad_part, in the same order.
template <class T>
void narrow_input_grad(const DenseInputGrad& dense, const Part& rows) {
  alignas(64) float sums[kBlock * kBlock];
  alignas(64) std::uint32_t pairs_of_outputs[kBlock * kBlock / 2];
  alignas(64) std::uint32_t turned[kBlock * kBlock] = {};
  const DensePanels& panels = dense.panels;
  const std::size_t words = panels.width / panels.group;
  for (std::size_t row = rows.begin; row < HWY_MIN(rows.end, panels.in); row += kBlock) {
    const std::size_t count = HWY_MIN(kBlock, HWY_MIN(rows.end, panels.rows) - row);
    const std::uint32_t* from = dense.weights + row * words;
    if (is_pairs(panels)) {
      rows_of_pairs(from, count, panels.width, pairs_of_outputs);
      from = pairs_of_outputs;
    }
    const std::size_t width = dense_turned_width(count, 0);
    for (std::size_t i = 0; i < count; i += 4) {
      for (std::size_t word = 0; word < words; word += 4) {
        turn_words(from + i * words + word, words, turned + word * width + i, width);
      }
    }
    const std::size_t inputs = HWY_MIN(row + count, panels.in) - row;
    for (std::size_t first = 0; first < dense.batch; first += kBlock) {
      const std::size_t samples = HWY_MIN(kBlock, dense.batch - first);
      multiply({dense.turned + first * words,
                1,
                dense_turned_width(dense.batch, first),
                turned,
                (panels.out + panels.group - 1) / panels.group,
                sums,
                samples,
                width,
                width,
                false,
                {}},
               is_pairs(panels));
      for (std::size_t n = 0; n < samples; ++n) {
        T* const to = static_cast<T*>(dense.input_grad) + (first + n) * panels.in + row;
        for_each_vector(0, inputs, CopyRow<T>{sums + n * width, to});
      }
    }
  }
}

}  // namespace

void input_grad_part(const DenseInputGrad& dense, const Part& rows) {
  if (dense.panels.panels == 1 && dense.panels.width < dense.batch) {
    if (is_pairs(dense.panels)) {
      narrow_input_grad<std::uint16_t>(dense, rows);
    } else {
      narrow_input_grad<float>(dense, rows);
    }
    return;
  }
  alignas(64) float sums[kBlock * kBlock];
  for (std::size_t row = rows.begin; row < HWY_MIN(rows.end, dense.panels.in); row += kBlock) {
    const Part some{row, HWY_MIN(row + kBlock, HWY_MIN(rows.end, dense.panels.rows))};
    for (std::size_t first = 0; first < dense.batch; first += kBlock) {
      for (std::size_t panel = 0; panel < dense.panels.panels; ++panel) {
        add_input_grad(dense, some, first, panel, sums);
      }
      store_input_grad(dense, some, first, sums);
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
HWY_EXPORT(pack_part);
HWY_EXPORT(input_grad_part);
HWY_EXPORT(pad_rows_part);

}  // namespace

void dense_forward(const DenseForward& dense, const Part& rows, const Part& panels) {
  HWY_DYNAMIC_DISPATCH(forward_part)(dense, rows, panels);
}

void dense_pad_rows(const std::uint16_t* from, std::size_t size, std::uint16_t* to, const Part& rows) {
  HWY_DYNAMIC_DISPATCH(pad_rows_part)(from, size, to, rows);
}

void dense_pack(const DensePack& pack, const Part& panels) { HWY_DYNAMIC_DISPATCH(pack_part)(pack, panels); }

void dense_input_grad(const DenseInputGrad& dense, const Part& rows) {
  HWY_DYNAMIC_DISPATCH(input_grad_part)(dense, rows);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
