#include "kernels/dense_chain/pixel_dense.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense_chain/pixel_dense.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>

#include "kernels/dense/product_inl.h"
#include "kernels/dense_chain/pixel_dense_inl.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Places whose products are made before they are added to the rows: each row is then read and written once for all.
constexpr std::size_t kPlaces = 4;
/// Places that are multiplied together where rows are few. Their weights follow one another in a panel, so that they
/// are one product of eight times the depth: sums are loaded and stored once for eight places.
constexpr std::size_t kPlacesOfFew = 8;

/// sums[row] += the products of the row's pixels at kCount places, the first of them `place`; products lie a unit
/// apart. All that is done for each picture, and so what a forward pass takes its time for: of each picture four rows
/// of products are loaded, which are near, as there are few and most pictures want the same ones. Columns are the
/// outer loop, rows the inner: the sums of a row's stretch are the only chain, of four additions.
template <std::size_t kCount>
HWY_NOINLINE void add_products(const PixelDense& dense, std::size_t place, std::size_t columns, const float* products,
                               float* sums) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t width = dense.panels.width;
  std::array<const std::uint8_t*, kCount> numbers{};
  for (std::size_t i = 0; i < kCount; ++i) {
    numbers[i] = dense.index.numbers(place + i);
  }
  for_column_vectors<1>(
      d, columns, [&]<std::size_t kVectors>(std::integral_constant<std::size_t, kVectors>, std::size_t at) HWY_ATTR {
        for (std::size_t row = 0; row < dense.batch; ++row) {
          float* const to = sums + row * width + at;
          hn::Vec<decltype(d)> sum[kVectors];
#pragma GCC unroll 4
          for (std::size_t v = 0; v < kVectors; ++v) {
            sum[v] = hn::LoadU(d, to + v * lanes);
          }
#pragma GCC unroll 4
          for (std::size_t i = 0; i < kCount; ++i) {
            const float* const product = products + i * kUnit + numbers[i][row] * width + at;
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) {
              sum[v] = hn::Add(sum[v], hn::LoadU(d, product + v * lanes));
            }
          }
#pragma GCC unroll 4
          for (std::size_t v = 0; v < kVectors; ++v) {
            hn::StoreU(sum[v], d, to + v * lanes);
          }
        }
      });
}

/// The products of all different pixels of a place, from those of its nodes: along each run they lie on a line. With p
/// and q the products of the run's darkest pixel a and its brightest b, that of v is p + (v - a) (q - p) / (b - a).
void follow_nodes(const PixelDense& dense, std::size_t place, std::size_t columns, const float* nodes,
                  float* products) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t width = dense.panels.width;
  const auto values = dense.index.values(place);
  const auto runs = dense.index.runs(place);
  for_column_vectors<1>(
      d, columns, [&]<std::size_t kVectors>(std::integral_constant<std::size_t, kVectors>, std::size_t at) HWY_ATTR {
        const auto copy_row = [&](const float* from, float* to) HWY_ATTR {
#pragma GCC unroll 4
          for (std::size_t v = 0; v < kVectors; ++v) {
            hn::StoreU(hn::LoadU(d, from + v * lanes), d, to + v * lanes);
          }
        };
        const float* node = nodes + at;
        float* const to = products + at;
        copy_row(node, to);
        node += width;
        std::size_t number = 1;
        for (const PixelRun& run : runs) {
          const std::size_t last = run.last;
          if (number == last) {
            copy_row(node, to + number++ * width);
            node += width;
            continue;
          }
          // A run of two numbers and more has different pixels at its ends: no division by zero.
          const auto span = hn::Set(d, 1.0F / static_cast<float>(values[last] - values[number]));
          hn::Vec<decltype(d)> start[kVectors];
          hn::Vec<decltype(d)> slope[kVectors];
#pragma GCC unroll 4
          for (std::size_t v = 0; v < kVectors; ++v) {
            start[v] = hn::LoadU(d, node + v * lanes);
            slope[v] = hn::Mul(hn::Sub(hn::LoadU(d, node + width + v * lanes), start[v]), span);
          }
          for (const std::size_t first = number; number <= last; ++number) {
            const auto distance = hn::Set(d, static_cast<float>(values[number] - values[first]));
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) {
              hn::StoreU(hn::MulAdd(distance, slope[v], start[v]), d, to + number * width + v * lanes);
            }
          }
          node += 2 * width;
        }
      });
}

template <class T>
void finish_rows(const PixelDense& dense, const PixelDenseFinish& finish, std::size_t row, std::size_t panel) {
  const DensePanels& panels = dense.panels;
  const std::size_t first = panel * panels.width;
  const std::size_t part = dense.batch * panels.width;
  const float* const sums = finish.sums + panel * finish.parts * part + row * panels.width;
  T* const to = static_cast<T*>(finish.output) + row * panels.out + first;
  for_each_vector(0, HWY_MIN(panels.width, panels.out - first), [&](auto d, std::size_t i) HWY_ATTR {
    auto value = load(d, sums + i);
    for (std::size_t k = 1; k < finish.parts; ++k) {
      value = hn::Add(value, load(d, sums + k * part + i));
    }
    if (finish.bias != nullptr) {
      value = hn::Add(value, load(d, finish.bias + first + i));
    }
    if (finish.relu) {
      // A NaN stays: it must reach the loss.
      value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);
    }
    store_number(d, value, to + i);
  });
}

}  // namespace

// Place by place: gather its nodes' rows, multiply them with its weights (each read once), follow the lines to the
// other pixels; of four places, then add a row of products to each picture's sums.
void forward_part(const PixelDense& dense, const Part& places, std::size_t panel, float* memory, float* sums) {
  const DensePanels& panels = dense.panels;
  const std::size_t words = row_words(dense);
  const std::size_t columns = panels.used(panel);
  // Units of memory: the products of kPlaces places, those of nodes, and the nodes' rows of the table.
  float* const node_products = memory + kPlaces * kUnit;
  auto* const rows = reinterpret_cast<std::uint32_t*>(memory + (kPlaces + 1) * kUnit);
  std::fill_n(sums, dense.batch * panels.width, 0.0F);
  const auto multiply_place = [&](std::size_t place, float* to) HWY_ATTR {
    const auto nodes = dense.index.nodes(place);
    const bool follow =
        nodes.size() < dense.index.values(place).size();  // Else the tiles write the products themselves.
    gather(dense, nodes, rows);
    TileProduct product{rows,
                        words,
                        1,
                        weights_at(dense, place, panel),
                        words,
                        follow ? node_products : to,
                        nodes.size(),
                        panels.width,
                        columns,
                        false,
                        {}};
    // Weights are read once a pass, and a product of few rows is too short for the hardware to run ahead.
    if (place + 1 < places.end) {
      product.ahead[0] = {product.b + words * panels.width, words * panels.width * sizeof(std::uint32_t)};
    }
    multiply<true>(product, is_pairs(panels));
    if (follow) {
      follow_nodes(dense, place, columns, node_products, to);
    }
  };
  std::size_t place = places.begin;
  for (; place + kPlaces <= places.end; place += kPlaces) {
    for (std::size_t i = 0; i < kPlaces; ++i) {
      multiply_place(place + i, memory + i * kUnit);
    }
    add_products<kPlaces>(dense, place, columns, memory, sums);
  }
  for (; place < places.end; ++place) {
    multiply_place(place, memory);
    add_products<1>(dense, place, columns, memory, sums);
  }
}

void forward_few_part(const PixelDense& dense, const Part& places, std::size_t panel, float* memory, float* sums) {
  const DensePanels& panels = dense.panels;
  const std::size_t words = row_words(dense);
  const auto* const table = static_cast<const std::uint32_t*>(dense.table);
  auto* const rows = reinterpret_cast<std::uint32_t*>(memory);
  for (std::size_t place = places.begin; place < places.end; place += kPlacesOfFew) {
    const std::size_t count = HWY_MIN(kPlacesOfFew, places.end - place);
    for (std::size_t row = 0; row < dense.batch; ++row) {
      const std::uint8_t* const pixels = dense.pixels + dense.samples[row] * dense.places + place;
      for (std::size_t i = 0; i < count; ++i) {
        copy_words(table + pixels[i] * words, words, rows + (row * count + i) * words);
      }
    }
    multiply({rows,
              count * words,
              1,
              weights_at(dense, place, panel),
              count * words,
              sums,
              dense.batch,
              panels.width,
              panels.used(panel),
              place > places.begin,  // The first places set the sums.
              {}},
             is_pairs(panels));
  }
}

void finish_part(const PixelDense& dense, const PixelDenseFinish& finish, const Part& rows) {
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    for (std::size_t panel = 0; panel < dense.panels.panels; ++panel) {
      if (is_pairs(dense.panels)) {
        finish_rows<std::uint16_t>(dense, finish, row, panel);
      } else {
        finish_rows<float>(dense, finish, row, panel);
      }
    }
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(forward_part);
HWY_EXPORT(forward_few_part);
HWY_EXPORT(finish_part);

}  // namespace

void pixel_dense_forward(const PixelDense& dense, const Part& places, std::size_t panel, float* memory, float* sums) {
  HWY_DYNAMIC_DISPATCH(forward_part)(dense, places, panel, memory, sums);
}

void pixel_dense_forward_few(const PixelDense& dense, const Part& places, std::size_t panel, float* memory,
                             float* sums) {
  HWY_DYNAMIC_DISPATCH(forward_few_part)(dense, places, panel, memory, sums);
}

void pixel_dense_finish(const PixelDense& dense, const PixelDenseFinish& finish, const Part& rows) {
  HWY_DYNAMIC_DISPATCH(finish_part)(dense, finish, rows);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
