#include "kernels/dense_chain/chain.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dense_chain/chain.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstring>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

/// Rows of a tile: with two vectors each, about half of the registers of an instruction set (8 x 2 sums, two columns
/// and a factor are 19 of AVX-512's 32; 4 x 2 are 11 of AVX2's 16). Eight chains and more hide the latency of
/// multiply-adds.
constexpr std::size_t kTileRows = HWY_MAX_BYTES >= 64 ? 8 : 4;

/// C = start + A B, with A rows x depth, B depth x columns. Any row or column of A may be the one that is dense:
/// forward is x W, a gradient of weights x' dy by exchanged strides of x, one of inputs dy W' with W transposed once a
/// step.
struct Product {
  std::size_t rows;
  std::size_t depth;
  std::size_t columns;  ///< A multiple of kChainPad.
  const float* a;
  std::size_t a_row;    ///< From one row of A to the next.
  std::size_t a_depth;  ///< From one column of A to the next.
  const float* b;
  std::size_t b_stride;
  const float* start;        ///< A bias, zeros, or the sums so far.
  std::size_t start_stride;  ///< 0: the same row for all.
};

/// What becomes of a sum, and where it goes.
struct Keep {
  float* to;
  std::size_t stride;
  HWY_INLINE void operator()(Floats d, Vector sum, std::size_t row, std::size_t column) const {
    hn::StoreU(sum, d, to + row * stride + column);
  }
};

/// The number that a bfloat16 of it would have, ties to even; a NaN stays one. As a float, since the next layer reads
/// it from the cache: only what is stored is narrow.
HWY_INLINE Vector rounded(Floats d, Vector value) {
  const hn::Rebind<std::uint32_t, Floats> d32;
  const auto bits = hn::BitCast(d32, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  const auto up = hn::Add(hn::Add(bits, hn::Set(d32, 0x7FFF)), odd);
  const auto result = hn::BitCast(d, hn::And(up, hn::Set(d32, 0xFFFF0000U)));
  return hn::IfThenElse(hn::IsNaN(value), value, result);
}

struct Activate {
  float* to;
  std::size_t stride;
  bool relu;
  bool round;
  HWY_INLINE void operator()(Floats d, Vector sum, std::size_t row, std::size_t column) const {
    if (relu) {
      // Not a maximum with zero, which may lose a NaN: it must reach the loss.
      sum = hn::IfThenElse(hn::Le(sum, hn::Zero(d)), hn::Zero(d), sum);
    }
    if (round) {
      sum = rounded(d, sum);
    }
    hn::StoreU(sum, d, to + row * stride + column);
  }
};

/// A gradient goes on where the relu before it let something through: where the activation that backward has computed
/// again, rounded as in forward, is positive.
struct MaskByRelu {
  float* to;
  std::size_t stride;
  const float* activations;
  std::size_t activations_stride;
  HWY_INLINE void operator()(Floats d, Vector sum, std::size_t row, std::size_t column) const {
    const auto passed = hn::Gt(hn::LoadU(d, activations + row * activations_stride + column), hn::Zero(d));
    hn::StoreU(hn::IfThenElseZero(passed, sum), d, to + row * stride + column);
  }
};

/// The micro-kernel: a tile of C in registers for the whole depth, which is at most 64. `finish` takes each sum while
/// it is there, so that activations, rounding and masks are no pass of their own.
template <std::size_t kRows, std::size_t kVectors, class Finish>
HWY_INLINE void multiply_tile(const Product& p, std::size_t row, std::size_t column, const Finish& finish) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vector sums[kRows][kVectors];
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::LoadU(d, p.start + (row + r) * p.start_stride + column + v * lanes);
    }
  }
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  for (std::size_t k = 0; k < p.depth; ++k, a += p.a_depth, b += p.b_stride) {
    Vector right[kVectors];
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kVectors; ++v) {
      right[v] = hn::LoadU(d, b + v * lanes);
    }
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto left = hn::Set(d, a[r * p.a_row]);
#pragma GCC unroll 2
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::MulAdd(left, right[v], sums[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kVectors; ++v) {
      finish(d, sums[r][v], row + r, column + v * lanes);
    }
  }
}

template <std::size_t kVectors, class Finish>
HWY_INLINE void multiply_columns(const Product& p, std::size_t column, const Finish& finish) {
  std::size_t row = 0;
  for (; row + kTileRows <= p.rows; row += kTileRows) {
    multiply_tile<kTileRows, kVectors>(p, row, column, finish);
  }
  if (row + 4 <= p.rows) {  // only after tiles of 8
    multiply_tile<4, kVectors>(p, row, column, finish);
    row += 4;
  }
  for (; row < p.rows; ++row) {
    multiply_tile<1, kVectors>(p, row, column, finish);
  }
}

/// Columns in stripes of two vectors, or of one at the end: B's stripe, 64 rows of it, stays near for all rows of A.
template <class Finish>
HWY_NOINLINE void multiply(const Product& p, const Finish& finish) {
  const std::size_t lanes = hn::Lanes(Floats());
  std::size_t column = 0;
  for (; column + 2 * lanes <= p.columns; column += 2 * lanes) {
    multiply_columns<2>(p, column, finish);
  }
  if (column < p.columns) {
    multiply_columns<1>(p, column, finish);
  }
}

/// Rows of floats, some apart.
struct Block {
  const float* rows;
  std::size_t stride;
};

/// The first layer's input as floats: where it lies, or widened in `part` once for all products that read it.
HWY_INLINE Block block_input(const ChainRows& rows, std::size_t row, std::size_t count, float* part) {
  const ChainLayer& first = rows.layers.front();
  if (rows.dtype == Dtype::kFloat32) {
    return {static_cast<const float*>(rows.input) + row * first.in, first.in};
  }
  const auto* const from = static_cast<const std::uint16_t*>(rows.input) + row * first.in;
  float* const to = part + first.input_at;
  for_each_vector(0, count * first.in, [&](auto d, std::size_t i) HWY_ATTR { store(d, load(d, from + i), to + i); });
  return {to, first.in};
}

/// Writes a block from its padded rows to dense ones.
template <class T>
HWY_INLINE void write_block(const Block& block, std::size_t count, std::size_t numbers, T* to) {
  for (std::size_t row = 0; row < count; ++row) {
    const float* const from = block.rows + row * block.stride;
    T* const out = to + row * numbers;
    for_each_vector(0, numbers, [&](auto d, std::size_t i) HWY_ATTR { store(d, load(d, from + i), out + i); });
  }
}

HWY_INLINE void write_block(Dtype dtype, const Block& block, std::size_t count, std::size_t numbers, void* to,
                            std::size_t row) {
  if (dtype == Dtype::kFloat32) {
    write_block(block, count, numbers, static_cast<float*>(to) + row * numbers);
  } else {
    write_block(block, count, numbers, static_cast<std::uint16_t*>(to) + row * numbers);
  }
}

HWY_INLINE Product layer_product(const ChainLayer& layer, const Block& input, std::size_t count) {
  const std::size_t out = chain_padded(layer.out);
  return {count, layer.in, out, input.rows, input.stride, 1, layer.kernel, out, layer.bias, 0};
}

/// Writes which numbers of the layer's output are positive: a bit each, in the word of the row and the layer. The
/// padding's bits are zero, as relu of a zero sum is not positive.
HWY_INLINE void note_signs(const ChainRows& rows, std::size_t layer, const Block& output, std::size_t row,
                           std::size_t count) {
  static_assert(DenseChainOp::kWidest <= 64);
  if (rows.signs == nullptr) {
    return;
  }
  const Floats d;
  const std::size_t numbers = rows.layers[layer].relu ? rows.layers[layer].out : 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t signs = 0;
    for (std::size_t k = 0; k < numbers; k += hn::Lanes(d)) {
      std::uint8_t bits[8] = {};
      hn::StoreMaskBits(d, hn::Gt(hn::LoadU(d, output.rows + i * output.stride + k), hn::Zero(d)), bits);
      std::uint64_t word = 0;
      std::memcpy(&word, bits, sizeof(word));
      signs |= word << k;
    }
    rows.signs[(row + i) * rows.layers.size() + layer] = signs;
  }
}

/// The outputs of all layers but the last, each where the next one's input is. They are rounded as they would be if
/// they were stored, so that a chain gives the numbers of its layers one by one.
HWY_INLINE Block hidden_forward(const ChainRows& rows, Block input, std::size_t count, float* part) {
  for (std::size_t i = 0; i + 1 < rows.layers.size(); ++i) {
    const ChainLayer& layer = rows.layers[i];
    const Block output{part + rows.layers[i + 1].input_at, chain_padded(layer.out)};
    multiply(layer_product(layer, input, count), Activate{part + rows.layers[i + 1].input_at, output.stride, layer.relu,
                                                          rows.rounds || rows.dtype == Dtype::kBfloat16});
    input = output;
  }
  return input;
}

/// The gradient of the sums of the last layer, as floats in `to`, padded rows. The padding is set to zero, for `to` is
/// used for other widths as well and the products read it.
template <class T, class G>
HWY_INLINE void load_output_grad(const ChainRows& rows, std::size_t row, std::size_t count, float* to) {
  const ChainLayer& last = rows.layers.back();
  for (std::size_t i = 0; i < count; ++i) {
    const G* const grad = static_cast<const G*>(rows.output_grad) + (row + i) * last.out;
    const T* const output = static_cast<const T*>(rows.output) + (row + i) * last.out;
    float* const sums = to + i * chain_padded(last.out);
    for_each_vector(0, last.out, [&](auto d, std::size_t k) HWY_ATTR {
      const auto value = load(d, grad + k);
      store(d, last.relu ? hn::IfThenElseZero(hn::Gt(load(d, output + k), hn::Zero(d)), value) : value, sums + k);
    });
    for (std::size_t k = last.out; k < chain_padded(last.out); ++k) {
      sums[k] = 0;
    }
  }
}

HWY_INLINE void load_output_grad(const ChainRows& rows, std::size_t row, std::size_t count, float* to) {
  const bool full = rows.dtype == Dtype::kFloat32;
  if (rows.grad_dtype == Dtype::kFloat32) {
    full ? load_output_grad<float, float>(rows, row, count, to)
         : load_output_grad<std::uint16_t, float>(rows, row, count, to);
  } else {
    load_output_grad<std::uint16_t, std::uint16_t>(rows, row, count, to);
  }
}

/// Adds the products of a layer's input and the gradient of its sums. The depth is the block's rows: the sums of the
/// kernel are loaded and stored once for 64 of them.
HWY_INLINE void add_weight_grads(const ChainLayer& layer, const Block& input, const Block& grad, std::size_t count,
                                 float* part) {
  const std::size_t out = chain_padded(layer.out);
  float* const sums = part + layer.sums_at;
  multiply(Product{layer.in, count, out, input.rows, 1, input.stride, grad.rows, grad.stride, sums, out},
           Keep{sums, out});
  const Floats d;
  float* const bias = sums + layer.in * out;
  for (std::size_t k = 0; k < out; k += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    for (std::size_t row = 0; row < count; ++row) {
      sum = hn::Add(sum, hn::LoadU(d, grad.rows + row * grad.stride + k));
    }
    hn::StoreU(hn::Add(hn::LoadU(d, bias + k), sum), d, bias + k);
  }
}

/// From the gradient of a layer's sums to that of its input, in `to`. The kernel was transposed when it was packed: so
/// B's rows are dense here as well.
HWY_INLINE void input_grad(const ChainLayer& layer, const Block& grad, std::size_t count, const float* zeros,
                           const Block* relu_before, float* to) {
  const std::size_t in = chain_padded(layer.in);
  const Product product{count, layer.out, in, grad.rows, grad.stride, 1, layer.transposed, in, zeros, 0};
  if (relu_before != nullptr) {
    multiply(product, MaskByRelu{to, in, relu_before->rows, relu_before->stride});
  } else {
    multiply(product, Keep{to, in});
  }
}

/// From the last layer to the first: a layer's weights take their gradient before the gradient of its input is made in
/// the other buffer. Nothing of a block outlives it but the sums.
HWY_INLINE void backward_block(const ChainRows& rows, std::size_t row, std::size_t count, const float* zeros,
                               float* part) {
  const Block input = block_input(rows, row, count, part);
  hidden_forward(rows, input, count, part);
  float* const grads = part + rows.grads_at;
  load_output_grad(rows, row, count, grads);
  Block grad{grads, chain_padded(rows.layers.back().out)};
  for (std::size_t i = rows.layers.size(); i-- > 0;) {
    const ChainLayer& layer = rows.layers[i];
    const std::size_t in = chain_padded(layer.in);
    const Block layer_input = i == 0 ? input : Block{part + layer.input_at, in};
    add_weight_grads(layer, layer_input, grad, count, part);
    if (i == 0 && rows.input_grad == nullptr) {
      return;
    }
    // Two buffers in turn: a product reads one and writes the other.
    float* const to = grad.rows == grads ? grads + kChainBlock * rows.widest : grads;
    input_grad(layer, grad, count, zeros, i > 0 && rows.layers[i - 1].relu ? &layer_input : nullptr, to);
    grad = {to, in};
  }
  write_block(rows.dtype, grad, count, rows.layers.front().in, rows.input_grad, row);
}

/// Copies a row, whole vectors of the type first.
template <class T>
HWY_INLINE void copy_row(const T* from, std::size_t numbers, bool stream, T* to) {
  const hn::ScalableTag<T> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= numbers; i += hn::Lanes(d)) {
    const auto value = hn::LoadU(d, from + i);
    stream ? hn::Stream(value, d, to + i) : hn::StoreU(value, d, to + i);
  }
  for (; i < numbers; ++i) {
    to[i] = from[i];
  }
}

template <class T>
void look_up(const T* table, const std::uint8_t* pixels, std::size_t count, std::size_t out, bool stream, T* to) {
  // A streamed store wants its address aligned.
  const std::size_t vector = hn::Lanes(hn::ScalableTag<T>());
  const bool aligned = out % vector == 0 && reinterpret_cast<std::uintptr_t>(to) % (vector * sizeof(T)) == 0;
  for (std::size_t i = 0; i < count; ++i) {
    copy_row(table + pixels[i] * out, out, stream && aligned, to + i * out);
  }
  if (stream) {
    hwy::FlushStream();
  }
}

/// Rows with the same pixel, as neighbours in the background are, wait for each other's store; but sums of 256 rows
/// stay near, and the gradients are read once.
template <class T>
void sum_by_pixel(const T* grads, const std::uint8_t* pixels, std::size_t count, std::size_t out, float* sums) {
  for (std::size_t i = 0; i < count; ++i) {
    const T* const from = grads + i * out;
    float* const to = sums + pixels[i] * out;
    for_each_vector(
        0, out, [&](auto d, std::size_t k) HWY_ATTR { store(d, hn::Add(load(d, to + k), load(d, from + k)), to + k); });
  }
}

}  // namespace

void forward_rows(const ChainRows& rows, std::size_t begin, std::size_t end, float* part) {
  const ChainLayer& last = rows.layers.back();
  const std::size_t out = chain_padded(last.out);
  // Padded rows are the output's own where nothing is padded: then the tiles store there.
  const bool direct = rows.dtype == Dtype::kFloat32 && last.out == out;
  for (std::size_t row = begin; row < end; row += kChainBlock) {
    const std::size_t count = HWY_MIN(kChainBlock, end - row);
    const Block input = hidden_forward(rows, block_input(rows, row, count, part), count, part);
    for (std::size_t i = 0; i + 1 < rows.layers.size(); ++i) {
      note_signs(rows, i, {part + rows.layers[i + 1].input_at, chain_padded(rows.layers[i].out)}, row, count);
    }
    float* const to = direct ? static_cast<float*>(rows.output) + row * out : part + rows.output_at;
    multiply(layer_product(last, input, count), Activate{to, out, last.relu, rows.rounds});
    note_signs(rows, rows.layers.size() - 1, {to, out}, row, count);
    if (!direct) {
      write_block(rows.dtype, {to, out}, count, last.out, rows.output, row);
    }
  }
}

void backward_rows(const ChainRows& rows, std::size_t begin, std::size_t end, float* part) {
  const float zeros[DenseChainOp::kWidest] = {};
  for (std::size_t row = begin; row < end; row += kChainBlock) {
    backward_block(rows, row, HWY_MIN(kChainBlock, end - row), zeros, part);
  }
}

void look_up_rows(Dtype dtype, const void* table, const std::uint8_t* pixels, std::size_t count, std::size_t out,
                  bool stream, void* to) {
  if (dtype == Dtype::kFloat32) {
    look_up(static_cast<const float*>(table), pixels, count, out, stream, static_cast<float*>(to));
  } else {
    look_up(static_cast<const std::uint16_t*>(table), pixels, count, out, stream, static_cast<std::uint16_t*>(to));
  }
}

void sum_rows_by_pixel(Dtype dtype, const void* grads, const std::uint8_t* pixels, std::size_t count, std::size_t out,
                       float* sums) {
  if (dtype == Dtype::kFloat32) {
    sum_by_pixel(static_cast<const float*>(grads), pixels, count, out, sums);
  } else {
    sum_by_pixel(static_cast<const std::uint16_t*>(grads), pixels, count, out, sums);
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(forward_rows);
HWY_EXPORT(backward_rows);
HWY_EXPORT(look_up_rows);
HWY_EXPORT(sum_rows_by_pixel);

void chain_forward(const ChainRows& rows, std::size_t begin, std::size_t end, float* part) {
  HWY_DYNAMIC_DISPATCH(forward_rows)(rows, begin, end, part);
}

void chain_backward(const ChainRows& rows, std::size_t begin, std::size_t end, float* part) {
  HWY_DYNAMIC_DISPATCH(backward_rows)(rows, begin, end, part);
}

void chain_look_up(Dtype dtype, const void* table, const std::uint8_t* pixels, std::size_t count, std::size_t out,
                   bool stream, void* to) {
  HWY_DYNAMIC_DISPATCH(look_up_rows)(dtype, table, pixels, count, out, stream, to);
}

void chain_sum_by_pixel(Dtype dtype, const void* grads, const std::uint8_t* pixels, std::size_t count, std::size_t out,
                        float* sums) {
  HWY_DYNAMIC_DISPATCH(sum_rows_by_pixel)(dtype, grads, pixels, count, out, sums);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
