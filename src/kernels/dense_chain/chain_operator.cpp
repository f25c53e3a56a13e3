#include <algorithm>
#include <functional>
#include <utility>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/dense_chain/chain_layers.h"
#include "kernels/dense_chain/dense_chain.h"
#include "kernels/simd/simd_operator.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// A chain on activations: rows of all samples one after another, in parts of some thousand.
class DenseChainOperator final : public SimdOperator {
 public:
  DenseChainOperator(const DenseChainOp& op, const BuildOptions& options)
      : SimdOperator(options),
        layouts_(chain_layouts(op)),
        relu_(op.layers.back().activation == ActivationKind::kRelu),
        chain_(op, options, rows(op, options), chain_parts(op.layers.front().rows * options.batch)) {}

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] std::size_t scratch_bytes() const override { return chain_.scratch_bytes(); }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return relu_; }

  void bind(const Binding& bound) override {
    SimdOperator::bind(bound);
    chain_.bind(bound.weights, bound.weight_grads, bound.scratch);
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
  ChainLayers chain_;
};

/// A chain on pixels: its output is one of 256 rows, of the table that forward makes and saves; and the gradients of
/// equal pixels go back as one, their sum. That is exact, for the chain's gradient at a row is linear in the output's
/// gradient and depends on the pixel alone: sum over rows of J(v)' g = J(v)' (sum of g). What is left of the work is
/// to write the output and to read its gradient once.
class PixelChainOperator final : public SimdOperator {
 public:
  PixelChainOperator(const DenseChainOp& op, const BuildOptions& options)
      : SimdOperator(options),
        layouts_(chain_layouts(op)),
        pixels_(static_cast<std::size_t>(op.layers.front().rows)),
        out_(static_cast<std::size_t>(op.layers.back().out)),
        parts_(std::min(chain_parts(op.layers.front().rows * options.batch), static_cast<std::size_t>(options.batch))),
        table_(op, options, false) {}

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  [[nodiscard]] std::size_t saved_bytes() const override { return table_.bytes(); }
  [[nodiscard]] std::size_t scratch_bytes() const override { return sums_bytes() + table_.scratch_bytes(); }

  void bind(const Binding& bound) override {
    SimdOperator::bind(bound);
    table_.bind(bound.weights, bound.weight_grads, static_cast<std::byte*>(bound.scratch) + sums_bytes());
  }

  /// The table first, 256 rows on one thread; then a row of it for each pixel, at the speed of writing them.
  void forward(const StepState& state) override {
    check_samples(state);
    table_.forward(binding().saved);
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

  /// Each part has sums of its own, 256 x out floats, so that no two threads add to one row.
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
    table_.backward(binding().saved, sums);
  }

 private:
  /// Outputs beyond this (8 MiB) are gone from the caches before anyone reads them: written past the caches, they push
  /// out nothing, and no line is read before it is written.
  static constexpr std::size_t kStreamBytes = std::size_t{8} << 20U;

  [[nodiscard]] std::size_t width() const { return dtype_bytes(options().dtype); }
  [[nodiscard]] std::size_t sums_bytes() const {
    return options().training ? Buffer::aligned(parts_ * kPixelValues * out_ * sizeof(float)) : 0;
  }

  std::vector<WeightLayout> layouts_;
  std::size_t pixels_;
  std::size_t out_;
  std::size_t parts_;
  PixelTable table_;
};

}  // namespace

std::unique_ptr<Operator> make_dense_chain_operator(const DenseChainOp& op, const BuildOptions& options) {
  check_chain(op);
  if (!options.stored_layouts.empty() && options.stored_layouts != chain_layouts(op)) {
    throw Error(ErrorKind::kInternal, "dense_chain", "the weights of a chain are stored in the plain order only");
  }
  if (op.pixel_scale) {
    return std::make_unique<PixelChainOperator>(op, options);
  }
  return std::make_unique<DenseChainOperator>(op, options);
}

}  // namespace lapel::kernels
