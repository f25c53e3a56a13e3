#include "kernels/dense_chain/chain_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// A part has memory of its own (some blocks of rows and the gradients), and its sums are added to the others' by one
/// thread: not too many, but enough to share among threads evenly.
constexpr std::int64_t kRowsPerPart = 2048;
constexpr std::int64_t kMostParts = 32;

}  // namespace

std::size_t chain_parts(std::int64_t rows) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(rows / kRowsPerPart, 1, kMostParts));
}

Part rows_of_part(std::size_t rows, std::int64_t part, std::size_t parts) {
  const auto index = static_cast<std::size_t>(part);
  return {rows * index / parts, rows * (index + 1) / parts};
}

// DenseChainOp::kWidest bounds what the kernels have on their stack and in a word of signs.
void check_chain(const DenseChainOp& op) {
  bool fits = !op.layers.empty() && (!op.pixel_scale || op.layers.front().in == 1);
  for (std::size_t i = 0; fits && i < op.layers.size(); ++i) {
    const DenseOp& layer = op.layers[i];
    fits = layer.rows == op.layers.front().rows && (i == 0 || layer.in == op.layers[i - 1].out) &&
           std::max(layer.in, layer.out) <= DenseChainOp::kWidest &&
           (layer.activation == ActivationKind::kLinear || layer.activation == ActivationKind::kRelu);
  }
  if (!fits) {
    throw Error(ErrorKind::kInternal, "dense_chain", "these layers do not make a chain",
                {{"layers", fmt::format("{}", op.layers.size())}});
  }
}

std::vector<WeightLayout> chain_layouts(const DenseChainOp& op) {
  std::vector<WeightLayout> layouts;
  for (const DenseOp& layer : op.layers) {
    layouts.push_back(WeightLayout::plain({layer.in, layer.out}));
    if (layer.bias) {
      layouts.push_back(WeightLayout::plain({layer.out}));
    }
  }
  return layouts;
}

ChainLayers::ChainLayers(const DenseChainOp& op, const BuildOptions& options, std::size_t rows, std::size_t parts)
    : op_(op), options_(options), rows_(rows), parts_(parts), layers_(op.layers.size()) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    ChainLayer& layer = layers_[i];
    layer.in = static_cast<std::size_t>(op.layers[i].in);
    layer.out = static_cast<std::size_t>(op.layers[i].out);
    layer.relu = op.layers[i].activation == ActivationKind::kRelu;
    widest_ = std::max({widest_, chain_padded(layer.in), chain_padded(layer.out)});
    packed_size_ += packed_size(layer);
    layer.input_at = take(kChainBlock * chain_padded(layer.in));
    layer.sums_at = take(options.training ? (layer.in + 1) * chain_padded(layer.out) : 0);
  }
  output_at_ = take(kChainBlock * chain_padded(layers_.back().out));
  grads_at_ = take(options.training ? 2 * kChainBlock * widest_ : 0);
}

void ChainLayers::bind(std::span<const void* const> weights, std::span<float* const> weight_grads, void* scratch) {
  weights_.assign(weights.begin(), weights.end());
  weight_grads_.assign(weight_grads.begin(), weight_grads.end());
  packed_ = static_cast<float*>(scratch);
  memory_ = packed_ + packed_size_;
}

// Weights are packed again in each pass: they change between steps, and are at most 64 x 64 a layer.
void ChainLayers::forward(ChainRows rows) {
  pack();
  complete(rows);
  parallel_for(static_cast<std::int64_t>(parts_), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; ++part) {
      const auto [begin, end] = rows_of_part(rows_, part, parts_);
      chain_forward(rows, begin, end, memory_of(part));
    }
  });
}

// Each part adds to sums of its own, which begin at zero in each step; parts run one after another on a thread.
void ChainLayers::backward(ChainRows rows) {
  pack();
  complete(rows);
  parallel_for(static_cast<std::int64_t>(parts_), 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t part = first; part < last; ++part) {
      float* const memory = memory_of(part);
      for (const ChainLayer& layer : layers_) {
        std::fill_n(memory + layer.sums_at, (layer.in + 1) * chain_padded(layer.out), 0.0F);
      }
      const auto [begin, end] = rows_of_part(rows_, part, parts_);
      chain_backward(rows, begin, end, memory);
    }
  });
  std::size_t weight = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const ChainLayer& layer = layers_[i];
    add_parts(layer.sums_at, layer.in, layer.out, weight_grads_.at(weight++));
    if (op_.layers[i].bias) {
      add_parts(layer.sums_at + layer.in * chain_padded(layer.out), 1, layer.out, weight_grads_.at(weight++));
    }
  }
}

std::size_t ChainLayers::packed_size(const ChainLayer& layer) const {
  return (layer.in + 1) * chain_padded(layer.out) + (options_.training ? layer.out * chain_padded(layer.in) : 0);
}

// Hands out a part's memory, in multiples of kChainPad floats: whole lines, and whole vectors of rows.
std::size_t ChainLayers::take(std::size_t floats) { return std::exchange(part_size_, part_size_ + floats); }

float* ChainLayers::memory_of(std::int64_t part) const { return memory_ + static_cast<std::size_t>(part) * part_size_; }

void ChainLayers::complete(ChainRows& rows) const {
  rows.layers = layers_;
  rows.dtype = options_.dtype;
  rows.output_at = output_at_;
  rows.grads_at = grads_at_;
  rows.widest = widest_;
}

// Not through vectors: 4096 weights of a layer are nothing beside its rows.
float ChainLayers::kernel_at(const void* kernel, std::size_t i) const {
  return options_.dtype == Dtype::kFloat32 ? static_cast<const float*>(kernel)[i]
                                           : float_from_bfloat16(static_cast<const std::uint16_t*>(kernel)[i]);
}

// Rows of outputs padded to whole vectors with zeros, so that the kernels have no tails; in training also transposed,
// for the gradient of the input. In floats whatever the type: a chain multiplies floats.
void ChainLayers::pack() {
  std::fill_n(packed_, packed_size_, 0.0F);
  float* to = packed_;
  std::size_t weight = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    ChainLayer& layer = layers_[i];
    const std::size_t out = chain_padded(layer.out);
    const std::size_t in = chain_padded(layer.in);
    float* const bias = to + layer.in * out;
    float* const transposed = bias + out;
    const void* const kernel = weights_.at(weight++);
    for (std::size_t row = 0; row < layer.in; ++row) {
      for (std::size_t column = 0; column < layer.out; ++column) {
        const float value = kernel_at(kernel, row * layer.out + column);
        to[row * out + column] = value;
        if (options_.training) {
          transposed[column * in + row] = value;
        }
      }
    }
    if (op_.layers[i].bias) {
      std::copy_n(static_cast<const float*>(weights_.at(weight++)), layer.out, bias);
    }
    layer.kernel = to;
    layer.bias = bias;
    layer.transposed = transposed;
    to += packed_size(layer);
  }
}

// In the order of the parts, on the calling thread; the padding of a row of sums is left out.
void ChainLayers::add_parts(std::size_t at, std::size_t rows, std::size_t columns, float* to) const {
  for (std::size_t row = 0; row < rows; ++row) {
    float* const sums = to + row * columns;
    std::copy_n(memory_ + at + row * chain_padded(columns), columns, sums);
    for (std::size_t part = 1; part < parts_; ++part) {
      const float* const more = memory_of(static_cast<std::int64_t>(part)) + at + row * chain_padded(columns);
      std::transform(sums, sums + columns, more, sums, std::plus<>());
    }
  }
}

// The inputs are the same in every step: 256 numbers, made here. One part, as 256 rows are too few to divide.
PixelTable::PixelTable(const DenseChainOp& op, const BuildOptions& options, bool rounds)
    : dtype_(options.dtype),
      rounds_(rounds),
      out_(static_cast<std::size_t>(op.layers.back().out)),
      signs_(kPixelValues * op.layers.size()),
      chain_(op, options, kPixelValues, 1) {
  for (std::size_t value = 0; value < kPixelValues; ++value) {
    const float scaled = static_cast<float>(value) * *op.pixel_scale;
    narrow_values_.push_back(bfloat16_from_float(scaled));
    wide_values_.push_back(rounds ? float_from_bfloat16(narrow_values_.back()) : scaled);
  }
}

void PixelTable::forward(void* table) {
  ChainRows rows = operands(table);
  rows.signs = signs_.data();
  chain_.forward(rows);
}

void PixelTable::number_pieces(std::span<std::uint8_t, kPixelValues> pieces) const {
  // Signs are those of rounded numbers, as the masks of the gradients are.
  const std::size_t layers = signs_.size() / kPixelValues;
  std::uint8_t piece = 0;
  pieces[0] = piece;
  for (std::size_t value = 1; value < kPixelValues; ++value) {
    const std::uint64_t* const signs = signs_.data() + value * layers;
    // At most 255 changes among 256 pixels: a byte is enough.
    piece = static_cast<std::uint8_t>(piece + (std::equal(signs, signs + layers, signs - layers) ? 0 : 1));
    pieces[value] = piece;
  }
}

void PixelTable::backward(void* table, const float* table_grads) {
  ChainRows rows = operands(table);
  rows.grad_dtype = Dtype::kFloat32;
  rows.output_grad = table_grads;
  chain_.backward(rows);
}

ChainRows PixelTable::operands(void* table) const {
  ChainRows rows;
  rows.input = dtype_ == Dtype::kFloat32 ? static_cast<const void*>(wide_values_.data())
                                         : static_cast<const void*>(narrow_values_.data());
  rows.rounds = rounds_;
  rows.output = table;
  return rows;
}

}  // namespace lapel::kernels
