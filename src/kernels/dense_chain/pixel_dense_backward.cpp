#include "kernels/dense_chain/pixel_dense.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense_chain/pixel_dense_backward.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/dense/pack_inl.h"
#include "kernels/dense/product_inl.h"
#include "kernels/dense_chain/pixel_dense_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Rows of floats, `width` apart.
struct FloatRows {
  static constexpr std::size_t kFewest = 1;
  const float* from;
  std::size_t width;

  template <std::size_t kVectors, class D>
  HWY_INLINE void read(D d, std::size_t row, std::size_t at, hn::Vec<D> (&numbers)[kVectors]) const {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      numbers[v] = hn::LoadU(d, from + row * width + at + v * hn::Lanes(d));
    }
  }
};

/// Rows of bfloat16, in words of two, whose numbers are read in this order: as many of the first of each as a vector
/// has lanes, then the second ones, and so on. Sums need no other order, and to widen it takes a shift and a mask; the
/// words are put together again where sums are rounded (sum_pairs).
struct PairRows {
  static constexpr std::size_t kFewest = 2;
  const std::uint32_t* from;
  std::size_t width;

  template <std::size_t kVectors, class D>
  HWY_INLINE void read(D d, std::size_t row, std::size_t at, hn::Vec<D> (&numbers)[kVectors]) const {
    const hn::RebindToUnsigned<D> d32;
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; v += 2) {
      const auto words = hn::LoadU(d32, from + (row * width + at + v * hn::Lanes(d)) / 2);
      numbers[v] = hn::BitCast(d, hn::ShiftLeft<16>(words));
      numbers[v + 1] = hn::BitCast(d, hn::And(words, hn::Set(d32, 0xFFFF0000U)));
    }
  }
};

template <std::size_t kVectors, class D>
HWY_INLINE void set_zero(D d, hn::Vec<D> (&numbers)[kVectors]) {
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) {
    numbers[v] = hn::Zero(d);
  }
}

template <class V, std::size_t kVectors>
HWY_INLINE void add(const V (&numbers)[kVectors], V (&sum)[kVectors]) {
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) {
    sum[v] = hn::Add(sum[v], numbers[v]);
  }
}

/// The sum of all rows, in the order in which `rows` are read: what number 0's gradient is made from, once for all
/// places.
template <class D, class Rows>
HWY_INLINE void sum_all(D d, const PixelDense& dense, const Rows& rows, float* totals) {
  for_column_vectors<Rows::kFewest>(
      d, dense.panels.width,
      [&]<std::size_t kVectors>(std::integral_constant<std::size_t, kVectors>, std::size_t at) HWY_ATTR {
        hn::Vec<D> numbers[kVectors];
        hn::Vec<D> sum[kVectors];
        set_zero(d, sum);
        for (std::size_t row = 0; row < dense.batch; ++row) {
          rows.read(d, row, at, numbers);
          add(numbers, sum);
        }
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) {
          hn::StoreU(sum[v], d, totals + at + v * hn::Lanes(d));
        }
      });
}

/// The rows of one run, and their pixels.
struct RunRows {
  std::span<const std::uint32_t> rows;
  const std::uint8_t* numbers;
  const std::uint8_t* values;
  std::size_t first;  ///< Numbers.
  std::size_t last;
};

/// What they give to both nodes: of a pixel between, each has the more the nearer it is. `sum` becomes that of all.
/// The transpose of follow_nodes: with t = (v - a) / (b - a), node b gets the sum of t g and node a that of (1 - t) g,
/// which is the sum of all g less the former. One multiply-add and one addition for each row and vector; the division
/// is the run's.
template <std::size_t kVectors, class D, class Rows>
HWY_INLINE void sum_run(D d, const Rows& rows, const RunRows& run, std::size_t at, hn::Vec<D> (&sum)[kVectors],
                        hn::Vec<D> (&first)[kVectors], hn::Vec<D> (&last)[kVectors]) {
  hn::Vec<D> numbers[kVectors];
  const int begin = run.values[run.first];
  set_zero(d, last);
  for (const std::uint32_t row : run.rows) {
    const auto distance = hn::Set(d, static_cast<float>(run.values[run.numbers[row]] - begin));
    rows.read(d, row, at, numbers);
    add(numbers, sum);
#pragma GCC unroll 4
    for (std::size_t v = 0; v < kVectors; ++v) {
      last[v] = hn::MulAdd(distance, numbers[v], last[v]);
    }
  }
  const auto span = hn::Set(d, 1.0F / static_cast<float>(run.values[run.last] - begin));
#pragma GCC unroll 4
  for (std::size_t v = 0; v < kVectors; ++v) {
    last[v] = hn::Mul(last[v], span);
    first[v] = hn::Sub(sum[v], last[v]);
  }
}

/// For each node of a place the gradient of what its pixel becomes, from those of the rows, of which `totals` is the
/// sum. Number 0 has what the others leave: the rows of that pixel, mostly half of all, are not read. Calls `body(node,
/// column, vectors)`.
/// Rows come in the order of their pixels (PixelIndex::rows): a node's sum is in registers until its run ends, where
/// in the order of the batch it would be loaded and stored for each row. A place's gradients, batch x width, are read
/// for every place again and stay in the second cache.
template <class D, class Rows, class F>
HWY_INLINE void sum_rows(D d, const PixelDense& dense, std::size_t place, const Rows& rows, const float* totals,
                         const F& body) {
  const std::uint32_t* const order = dense.index.rows(place);
  for_column_vectors<Rows::kFewest>(
      d, dense.panels.width,
      [&]<std::size_t kVectors>(std::integral_constant<std::size_t, kVectors>, std::size_t at) HWY_ATTR {
        hn::Vec<D> numbers[kVectors];
        hn::Vec<D> others[kVectors];
        set_zero(d, others);
        RunRows run{{}, dense.index.numbers(place), dense.index.values(place).data(), 1, 0};
        std::size_t begin = 0;
        std::size_t node = 1;
        for (const PixelRun& next : dense.index.runs(place)) {
          run.rows = {order + begin, order + next.rows_end};
          run.last = next.last;
          hn::Vec<D> sum[kVectors];
          set_zero(d, sum);
          if (run.first == run.last) {
            for (const std::uint32_t row : run.rows) {
              rows.read(d, row, at, numbers);
              add(numbers, sum);
            }
            body(node++, at, sum);
          } else {
            hn::Vec<D> first[kVectors];
            hn::Vec<D> last[kVectors];
            sum_run(d, rows, run, at, sum, first, last);
            body(node++, at, first);
            body(node++, at, last);
          }
          add(sum, others);
          begin = next.rows_end;
          run.first = run.last + 1;
        }
#pragma GCC unroll 4
        for (std::size_t v = 0; v < kVectors; ++v) {
          others[v] = hn::Sub(hn::LoadU(d, totals + at + v * hn::Lanes(d)), others[v]);
        }
        body(0, at, others);
      });
}

/// The same in words of bfloat16, in their usual order. A sum is rounded once, after all its rows are in it.
template <class D>
HWY_INLINE void sum_pairs(D d, const PixelDense& dense, std::size_t place, const PairRows& rows, const float* totals,
                          std::uint32_t* to) {
  const hn::RebindToUnsigned<D> d32;
  const std::size_t width = dense.panels.width;
  sum_rows(d, dense, place, rows, totals,
           [&]<std::size_t kVectors>(std::size_t node, std::size_t at, const hn::Vec<D>(&sum)[kVectors]) HWY_ATTR {
#pragma GCC unroll 2
             for (std::size_t v = 0; v < kVectors; v += 2) {
               hn::StoreU(pairs_of(d, sum[v], sum[v + 1]), d32, to + (node * width + at + v * hn::Lanes(d)) / 2);
             }
           });
}

/// Calls `body(d)` with vectors in which PairRows can be summed.
template <class F>
HWY_INLINE void with_pair_vectors(std::size_t width, const F& body) {
  const hn::ScalableTag<float> whole;
  if (width % (2 * hn::Lanes(whole)) == 0) {
    body(whole);
  } else {
    body(hn::CappedTag<float, 8>());
  }
}

/// The sum of the gradients of all rows, as sum_of_rows reads it.
void sum_of_batch(const PixelDense& dense, const void* grads, float* totals) {
  const std::size_t width = dense.panels.width;
  if (is_pairs(dense.panels)) {
    const PairRows rows{static_cast<const std::uint32_t*>(grads), width};
    with_pair_vectors(width, [&](auto d) HWY_ATTR { sum_all(d, dense, rows, totals); });
  } else {
    sum_all(hn::ScalableTag<float>(), dense, FloatRows{static_cast<const float*>(grads), width}, totals);
  }
}

/// The gradients of a place's nodes, as the words that products read.
void sum_of_rows(const PixelDense& dense, std::size_t place, const void* grads, const float* totals,
                 std::uint32_t* words) {
  const std::size_t width = dense.panels.width;
  if (is_pairs(dense.panels)) {
    const PairRows rows{static_cast<const std::uint32_t*>(grads), width};
    with_pair_vectors(width, [&](auto d) HWY_ATTR { sum_pairs(d, dense, place, rows, totals, words); });
    return;
  }
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> d32;
  sum_rows(d, dense, place, FloatRows{static_cast<const float*>(grads), width}, totals,
           [&]<std::size_t kVectors>(std::size_t node, std::size_t at, const hn::Vec<decltype(d)>(&sum)[kVectors])
               HWY_ATTR {
#pragma GCC unroll 4
                 for (std::size_t v = 0; v < kVectors; ++v) {
                   hn::StoreU(hn::BitCast(d32, sum[v]), d32, words + node * width + at + v * hn::Lanes(d));
                 }
               });
}

/// Columns of a product that gives numbers of the table: TileProduct's widths are 16, 32 and 64.
std::size_t table_width(std::size_t numbers) { return numbers == 48 ? 64 : numbers; }

/// The weights of a place in one panel, a row of `table_width` words for each output or pair of outputs.
void transpose_weights(const PixelDense& dense, std::size_t place, std::size_t panel, std::uint32_t* to) {
  alignas(64) std::uint32_t pairs_of_outputs[kBlock * kBlock / 2];
  const DensePanels& panels = dense.panels;
  const std::size_t words = panels.width / panels.group;
  const std::size_t width = table_width(dense.numbers);
  const std::uint32_t* from = weights_at(dense, place, panel);
  if (is_pairs(panels)) {
    rows_of_pairs(from, dense.numbers, panels.width, pairs_of_outputs);
    from = pairs_of_outputs;
  }
  for (std::size_t i = 0; i < dense.numbers; i += 4) {
    for (std::size_t word = 0; word < panels.used(panel) / panels.group; word += 4) {
      transpose_words(from + i * words + word, words, to + word * width + i, width);
    }
  }
}

/// Adds the gradients of a place's nodes, the product of `rows` and its weights, to those of the table: G W', nodes by
/// numbers. B is the transposed weights, which are fewer than a batch's gradients would be and are used once.
void add_table_grads(const PixelDense& dense, std::size_t place, std::size_t panel, const std::uint32_t* rows,
                     std::uint32_t* transposed, float* sums, float* table_grads) {
  const DensePanels& panels = dense.panels;
  const auto nodes = dense.index.nodes(place);
  const std::size_t width = table_width(dense.numbers);
  transpose_weights(dense, place, panel, transposed);
  TileProduct product{rows,
                      panels.width / panels.group,
                      1,
                      transposed,
                      panels.used(panel) / panels.group,
                      sums,
                      nodes.size(),
                      width,
                      dense.numbers,
                      false,
                      {}};
  if (place + 1 < dense.places) {
    product.ahead[0] = {weights_at(dense, place + 1, panel),
                        dense.numbers * panels.width / panels.group * sizeof(std::uint32_t)};
  }
  multiply<true>(product, is_pairs(panels));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    float* const to = table_grads + nodes[i] * dense.numbers;
    for_each_vector(0, dense.numbers, [&](auto d, std::size_t k) HWY_ATTR {
      store(d, hn::Add(load(d, to + k), load(d, sums + i * width + k)), to + k);
    });
  }
}

/// Rows of one panel's gradients, dense and masked: 64 columns of a wide layer's rows lie on as many pages, and are
/// read for each place.
template <class T>
void load_grad(const PixelDense& dense, const T* output_grad, const T* output, std::size_t panel, T* to) {
  const DensePanels& panels = dense.panels;
  const std::size_t first = panel * panels.width;
  const std::size_t count = HWY_MIN(panels.width, panels.out - first);
  for (std::size_t row = 0; row < dense.batch; ++row, to += panels.width) {
    const std::size_t at = row * panels.out + first;
    for_each_vector(0, count, [&](auto d, std::size_t i) HWY_ATTR {
      auto value = load(d, output_grad + at + i);
      if (output != nullptr) {
        value = hn::IfThenElseZero(hn::Gt(load(d, output + at + i), hn::Zero(d)), value);
      }
      store(d, value, to + i);
    });
    std::fill(to + count, to + panels.width, T{0});
  }
}

template <class T>
void sum_batch(const PixelDense& dense, const T* grads, float* sums) {
  const std::size_t width = dense.panels.width;
  std::fill_n(sums, width, 0.0F);
  for (std::size_t row = 0; row < dense.batch; ++row) {
    const T* const from = grads + row * width;
    for_each_vector(0, width, [&](auto d, std::size_t i) HWY_ATTR {
      store(d, hn::Add(load(d, sums + i), load(d, from + i)), sums + i);
    });
  }
}

}  // namespace

void load_grad_part(const PixelDense& dense, const void* output_grad, const void* output, const Part& panels,
                    void* grads) {
  const std::size_t size = dense.batch * dense.panels.width;
  for (std::size_t panel = panels.begin; panel < panels.end; ++panel) {
    if (is_pairs(dense.panels)) {
      load_grad(dense, static_cast<const std::uint16_t*>(output_grad), static_cast<const std::uint16_t*>(output), panel,
                static_cast<std::uint16_t*>(grads) + panel * size);
    } else {
      load_grad(dense, static_cast<const float*>(output_grad), static_cast<const float*>(output), panel,
                static_cast<float*>(grads) + panel * size);
    }
  }
}

void bias_grad_of_panel(const PixelDense& dense, const DenseWeightGrad& weight, const void* grads, std::size_t panel) {
  alignas(64) float sums[kBlock];
  if (is_pairs(dense.panels)) {
    sum_batch(dense, static_cast<const std::uint16_t*>(grads), sums);
  } else {
    sum_batch(dense, static_cast<const float*>(grads), sums);
  }
  const std::size_t first = panel * dense.panels.width;
  const std::size_t count = HWY_MIN(dense.panels.width, dense.panels.out - first);
  if (weight.bias_rule != nullptr) {
    weight.bias_rule->apply_here(weight.bias_target.span(first, sums, count));
  } else {
    std::copy_n(sums, count, weight.bias_grads + first);
  }
}

// Place by place: the nodes' gradients from the pictures'; with the weights as they are, the table's gradient; then the
// weights' own, which changes them where there is a rule.
void backward_part(const PixelDense& dense, const DenseWeightGrad& weight, const void* grads, const Part& places,
                   std::size_t panel, float* memory, float* table_grads) {
  // Units of memory, as words: the nodes' gradients and rows of the table, both packed as pairs, and the weights
  // transposed; then the products, floats. All of a place is made and used before the next one: near the core.
  const std::size_t width = dense.panels.width;
  auto* const sums = reinterpret_cast<std::uint32_t*>(memory);
  auto* const rows = reinterpret_cast<std::uint32_t*>(memory + kUnit);
  auto* const packed = reinterpret_cast<std::uint32_t*>(memory + 2 * kUnit);
  auto* const columns = reinterpret_cast<std::uint32_t*>(memory + 2 * kUnit + kUnit / 2);
  auto* const transposed = reinterpret_cast<std::uint32_t*>(memory + 3 * kUnit);
  float* const products = memory + 4 * kUnit;
  alignas(64) float totals[kBlock];
  sum_of_batch(dense, grads, totals);
  for (std::size_t place = places.begin; place < places.end; ++place) {
    const auto nodes = dense.index.nodes(place);
    const std::size_t count = nodes.size();
    sum_of_rows(dense, place, grads, totals, sums);
    add_table_grads(dense, place, panel, sums, transposed, products, table_grads);
    gather(dense, nodes, rows);
    DenseWeightBlock block{rows, dense.numbers, sums, count, {place * dense.numbers, (place + 1) * dense.numbers},
                           panel};
    // Floats are in order already: a node's row is a position of the depth. In bfloat16 two nodes are made a pair.
    if (is_pairs(dense.panels)) {
      pack_columns<std::uint16_t>(reinterpret_cast<const std::uint16_t*>(rows), nullptr, dense.numbers, count, 0,
                                  dense.numbers, dense.numbers, columns);
      pack_columns<std::uint16_t>(reinterpret_cast<const std::uint16_t*>(sums), nullptr, width, count, 0, width, width,
                                  packed);
      block.input = columns;
      block.packed = packed;
      block.depth = dense_packed_rows(count) / 2;
    }
    dense_weight_grad_block(weight, block);
  }
  hwy::FlushStream();  // Weights that were written past the caches are there before another thread is told so.
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(load_grad_part);
HWY_EXPORT(bias_grad_of_panel);
HWY_EXPORT(backward_part);

}  // namespace

void pixel_dense_load_grad(const PixelDense& dense, const void* output_grad, const void* output, const Part& panels,
                           void* grads) {
  HWY_DYNAMIC_DISPATCH(load_grad_part)(dense, output_grad, output, panels, grads);
}

void pixel_dense_bias_grad(const PixelDense& dense, const DenseWeightGrad& weight, const void* grads,
                           std::size_t panel) {
  HWY_DYNAMIC_DISPATCH(bias_grad_of_panel)(dense, weight, grads, panel);
}

void pixel_dense_backward(const PixelDense& dense, const DenseWeightGrad& weight, const void* grads, const Part& places,
                          std::size_t panel, float* memory, float* table_grads) {
  HWY_DYNAMIC_DISPATCH(backward_part)(dense, weight, grads, places, panel, memory, table_grads);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
