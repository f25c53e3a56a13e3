#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "kernels/dense_chain.h"
#include "kernels/simd_operator.h"
#include "kernels/simd_operators.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// What a pixel can be.
constexpr std::size_t kPixelValues = 256;

/// Sums are made over this many rows by themselves, then added up in the order of the rows: the same bits for any
/// number of threads, and fewer roundings. At most kMostParts of them.
constexpr std::int64_t kRowsPerPart = 2048;
constexpr std::int64_t kMostParts = 32;

std::size_t parts_for(std::int64_t rows) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(rows / kRowsPerPart, 1, kMostParts));
}

/// The rows of part `part` of `parts`.
struct PartRows {
  std::size_t begin;
  std::size_t end;
};
PartRows rows_of_part(std::size_t rows, std::int64_t part, std::size_t parts) {
  const auto index = static_cast<std::size_t>(part);
  return {rows * index / parts, rows * (index + 1) / parts};
}

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

std::vector<WeightLayout> plain_layouts(const DenseChainOp& op) {
  std::vector<WeightLayout> layouts;
  for (const DenseOp& layer : op.layers) {
    layouts.push_back(WeightLayout::plain({layer.in, layer.out}));
    if (layer.bias) {
      layouts.push_back(WeightLayout::plain({layer.out}));
    }
  }
  return layouts;
}

/// The layers of a chain over any number of rows, with their weights as the kernels read them and the memory of the
/// parts: what both operators below are made of.
class Chain {
 public:
  Chain(const DenseChainOp& op, const BuildOptions& options, std::size_t rows, std::size_t parts)
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

  [[nodiscard]] std::size_t scratch_bytes() const { return (packed_size_ + parts_ * part_size_) * sizeof(float); }

  void bind(const Binding& binding, void* scratch) {
    weights_ = binding.weights;
    weight_grads_ = binding.weight_grads;
    packed_ = static_cast<float*>(scratch);
    memory_ = packed_ + packed_size_;
  }

  /// `rows`: all but what the chain knows.
  void forward(ChainRows rows) {
    pack();
    complete(rows);
    parallel_for(static_cast<std::int64_t>(parts_), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        const auto [begin, end] = rows_of_part(rows_, part, parts_);
        chain_forward(rows, begin, end, memory_of(part));
      }
    });
  }

  void backward(ChainRows rows) {
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

 private:
  /// Floats of a layer's weights: kernel, bias, and the kernel transposed for the gradient of its input.
  [[nodiscard]] std::size_t packed_size(const ChainLayer& layer) const {
    return (layer.in + 1) * chain_padded(layer.out) + (options_.training ? layer.out * chain_padded(layer.in) : 0);
  }

  std::size_t take(std::size_t floats) { return std::exchange(part_size_, part_size_ + floats); }

  [[nodiscard]] float* memory_of(std::int64_t part) const {
    return memory_ + static_cast<std::size_t>(part) * part_size_;
  }

  void complete(ChainRows& rows) const {
    rows.layers = layers_;
    rows.dtype = options_.dtype;
    rows.output_at = output_at_;
    rows.grads_at = grads_at_;
    rows.widest = widest_;
  }

  [[nodiscard]] float kernel_at(const void* kernel, std::size_t i) const {
    return options_.dtype == Dtype::kFloat32 ? static_cast<const float*>(kernel)[i]
                                             : float_from_bfloat16(static_cast<const std::uint16_t*>(kernel)[i]);
  }

  void pack() {
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

  void add_parts(std::size_t at, std::size_t rows, std::size_t columns, float* to) const {
    for (std::size_t row = 0; row < rows; ++row) {
      float* const sums = to + row * columns;
      std::copy_n(memory_ + at + row * chain_padded(columns), columns, sums);
      for (std::size_t part = 1; part < parts_; ++part) {
        const float* const more = memory_of(static_cast<std::int64_t>(part)) + at + row * chain_padded(columns);
        std::transform(sums, sums + columns, more, sums, std::plus<>());
      }
    }
  }

  DenseChainOp op_;
  BuildOptions options_;
  std::size_t rows_;
  std::size_t parts_;
  std::vector<ChainLayer> layers_;
  std::size_t widest_ = 0;
  std::size_t packed_size_ = 0;
  std::size_t part_size_ = 0;
  std::size_t output_at_ = 0;
  std::size_t grads_at_ = 0;
  std::vector<const void*> weights_;
  std::vector<float*> weight_grads_;
  float* packed_ = nullptr;
  float* memory_ = nullptr;
};

class DenseChainOperator final : public SimdOperator {
 public:
  DenseChainOperator(const DenseChainOp& op, const BuildOptions& options)
      : SimdOperator(options),
        layouts_(plain_layouts(op)),
        relu_(op.layers.back().activation == ActivationKind::kRelu),
        chain_(op, options, rows(op, options), parts_for(op.layers.front().rows * options.batch)) {}

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] std::size_t scratch_bytes() const override { return chain_.scratch_bytes(); }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return relu_; }

  void bind(const Binding& bound) override {
    SimdOperator::bind(bound);
    chain_.bind(bound, bound.scratch);
  }

  void forward(const StepState& /*state*/) override { chain_.forward(operands()); }
  void backward(const StepState& /*state*/) override { chain_.backward(operands()); }

 private:
  static std::size_t rows(const DenseChainOp& op, const BuildOptions& options) {
    return static_cast<std::size_t>(op.layers.front().rows * options.batch);
  }

  [[nodiscard]] ChainRows operands() const {
    ChainRows rows;
    rows.input = binding().inputs.at(0);
    rows.output = binding().output;
    rows.grad_dtype = options().dtype;
    rows.output_grad = binding().output_grad;
    rows.input_grad = input_grad();
    return rows;
  }

  std::vector<WeightLayout> layouts_;
  bool relu_;
  Chain chain_;
};

/// A chain on pixels: its output is one of 256 rows, of the table that forward makes and saves; and the gradients of
/// equal pixels go back as one, their sum.
class PixelChainOperator final : public SimdOperator {
 public:
  PixelChainOperator(const DenseChainOp& op, const BuildOptions& options)
      : SimdOperator(options),
        layouts_(plain_layouts(op)),
        pixels_(static_cast<std::size_t>(op.layers.front().rows)),
        out_(static_cast<std::size_t>(op.layers.back().out)),
        parts_(std::min(parts_for(op.layers.front().rows * options.batch), static_cast<std::size_t>(options.batch))),
        chain_(op, options, kPixelValues, 1) {
    for (std::size_t value = 0; value < kPixelValues; ++value) {
      const float scaled = static_cast<float>(value) * *op.pixel_scale;
      wide_values_.push_back(scaled);
      narrow_values_.push_back(bfloat16_from_float(scaled));
    }
  }

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] std::size_t saved_bytes() const override { return kPixelValues * out_ * width(); }
  [[nodiscard]] std::size_t scratch_bytes() const override { return sums_bytes() + chain_.scratch_bytes(); }

  void bind(const Binding& bound) override {
    SimdOperator::bind(bound);
    chain_.bind(bound, static_cast<std::byte*>(bound.scratch) + sums_bytes());
  }

  void forward(const StepState& state) override {
    check_samples(state);
    chain_.forward(operands());
    const std::size_t bytes = pixels_ * out_ * width();
    const bool stream = static_cast<std::size_t>(options().batch) * bytes > kStreamBytes;
    parallel_rows(options().batch, static_cast<std::int64_t>(pixels_ * out_),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
                      chain_look_up(options().dtype, binding().saved, state.pixels + pixels_ * state.samples[row],
                                    pixels_, out_, stream, static_cast<std::byte*>(binding().output) + row * bytes);
                    }
                  });
  }

  void backward(const StepState& state) override {
    const std::size_t table = kPixelValues * out_;
    const std::size_t bytes = pixels_ * out_ * width();
    parallel_for(static_cast<std::int64_t>(parts_), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        float* const sums = static_cast<float*>(binding().scratch) + static_cast<std::size_t>(part) * table;
        std::fill_n(sums, table, 0.0F);
        const auto [begin, end] = rows_of_part(static_cast<std::size_t>(options().batch), part, parts_);
        for (std::size_t row = begin; row < end; ++row) {
          chain_sum_by_pixel(options().dtype, static_cast<const std::byte*>(binding().output_grad) + row * bytes,
                             state.pixels + pixels_ * state.samples[row], pixels_, out_, sums);
        }
      }
    });
    auto* const sums = static_cast<float*>(binding().scratch);
    for (std::size_t part = 1; part < parts_; ++part) {
      std::transform(sums, sums + table, sums + part * table, sums, std::plus<>());
    }
    ChainRows rows = operands();
    rows.grad_dtype = Dtype::kFloat32;
    rows.output_grad = sums;
    chain_.backward(rows);
  }

 private:
  /// Outputs beyond this are gone from the caches before anyone reads them.
  static constexpr std::size_t kStreamBytes = std::size_t{8} << 20U;

  [[nodiscard]] std::size_t width() const { return dtype_bytes(options().dtype); }
  [[nodiscard]] std::size_t sums_bytes() const {
    return options().training ? Buffer::aligned(parts_ * kPixelValues * out_ * sizeof(float)) : 0;
  }

  /// The table: what each number that a pixel can be becomes.
  [[nodiscard]] ChainRows operands() const {
    ChainRows rows;
    rows.input = options().dtype == Dtype::kFloat32 ? static_cast<const void*>(wide_values_.data())
                                                    : static_cast<const void*>(narrow_values_.data());
    rows.output = binding().saved;
    return rows;
  }

  std::vector<WeightLayout> layouts_;
  std::size_t pixels_;
  std::size_t out_;
  std::size_t parts_;
  std::vector<float> wide_values_;
  std::vector<std::uint16_t> narrow_values_;
  Chain chain_;
};

}  // namespace

std::unique_ptr<Operator> make_dense_chain_operator(const DenseChainOp& op, const BuildOptions& options) {
  check_chain(op);
  if (!options.stored_layouts.empty() && options.stored_layouts != plain_layouts(op)) {
    throw Error(ErrorKind::kInternal, "dense_chain", "the weights of a chain are stored in the plain order only");
  }
  if (op.pixel_scale) {
    return std::make_unique<PixelChainOperator>(op, options);
  }
  return std::make_unique<DenseChainOperator>(op, options);
}

}  // namespace lapel::kernels
