#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/dense_parts.h"
#include "kernels/ranges.h"
#include "kernels/simd_operator.h"
#include "kernels/simd_operators.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// Multiplications that are worth a thread of its own (some microseconds).
constexpr std::size_t kProductsPerThread = std::size_t{1} << 17U;
/// Rows of a batch beyond which the few weights of a layer do not keep all threads busy, nor their gradient a cache.
constexpr std::int64_t kMostRows = 4096;

std::size_t divided_up(std::size_t count, std::size_t unit) { return (count + unit - 1) / unit; }

/// How a pass over rows and panels is divided: one axis among the threads, in whole units.
struct Division {
  bool by_rows = true;
  std::size_t row_unit = 1;
  std::size_t parts = 1;
};

/// Along the axis that divides most evenly.
Division divide(std::size_t rows, std::size_t row_unit, std::size_t panels, std::size_t products) {
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const std::size_t useful = std::max<std::size_t>(1, std::min(threads, products / kProductsPerThread));
  const std::size_t row_units = divided_up(rows, row_unit);
  const auto efficiency = [&](std::size_t units) {
    const std::size_t parts = std::min(useful, units);
    return static_cast<double>(units) / static_cast<double>(divided_up(units, parts) * useful);
  };
  const bool by_rows = efficiency(row_units) > efficiency(panels);
  return {by_rows, row_unit, std::min(useful, by_rows ? row_units : panels)};
}

/// Calls `body(thread, rows, panels)` for each part.
template <class F>
void for_parts(const Division& division, std::size_t rows, std::size_t panels, const F& body) {
  const std::size_t units = division.by_rows ? divided_up(rows, division.row_unit) : panels;
  const auto parts = static_cast<std::int64_t>(division.parts);
  parallel_for(parts, 1, [&](std::int64_t first, std::int64_t last) {
    for (auto part = static_cast<std::size_t>(first); part < static_cast<std::size_t>(last); ++part) {
      const std::size_t begin = units * part / division.parts;
      const std::size_t end = units * (part + 1) / division.parts;
      if (division.by_rows) {
        body(part, Part{begin * division.row_unit, std::min(rows, end * division.row_unit)}, Part{0, panels});
      } else {
        body(part, Part{0, rows}, Part{begin, end});
      }
    }
  });
}

class DenseOperator final : public SimdOperator {
 public:
  DenseOperator(const DenseOp& op, const BuildOptions& options, std::vector<WeightLayout> layouts,
                const DensePanels& panels)
      : SimdOperator(options),
        op_(op),
        layouts_(std::move(layouts)),
        panels_(panels),
        batch_(static_cast<std::size_t>(options.batch * op.rows)),
        pads_input_(panels.group == 2 && panels.in % 2 == 1) {
    const std::size_t products = batch_ * panels_.in * panels_.out;
    forward_division_ = divide(batch_, 4, panels_.panels, products);
    input_grad_division_ = {true, 16, divide(panels_.rows, 16, 1, products).parts};
    weight_grad_division_ = divide(panels_.rows, 16, panels_.panels, products);
    divide_scratch();
  }

  std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  bool backward_reads_inputs() const override { return options().training; }
  bool backward_reads_output() const override { return options().training && relu(); }
  bool updates_weights() const override { return options().training; }

  void forward(const StepState& /*state*/) override {
    DenseForward dense{panels_,
                       relu(),
                       words(binding().inputs.at(0)),
                       panels_.in / panels_.group,
                       words(binding().weights.at(0)),
                       bias(),
                       binding().output};
    if (pads_input_) {
      auto* const padded = static_cast<std::uint16_t*>(binding().scratch);
      parallel_rows(static_cast<std::int64_t>(batch_), op_.in, [&](std::int64_t begin, std::int64_t end) {
        dense_pad_rows(static_cast<const std::uint16_t*>(binding().inputs.at(0)), panels_.in, padded,
                       {static_cast<std::size_t>(begin), static_cast<std::size_t>(end)});
      });
      dense.input = words(padded);
      dense.input_words = (panels_.in + 1) / 2;
    }
    for_parts(forward_division_, batch_, panels_.panels,
              [&](std::size_t, const Part& rows, const Part& panels) { dense_forward(dense, rows, panels); });
  }

  void backward(const StepState& state) override {
    pack_gradient();
    if (input_grad() != nullptr) {
      // Before the weights change.
      const DenseInputGrad dense{panels_, batch_, scratch_words(turned_at_), words(binding().weights.at(0)),
                                 input_grad()};
      for_parts(input_grad_division_, panels_.rows, 1,
                [&](std::size_t, const Part& rows, const Part&) { dense_input_grad(dense, rows); });
    }
    weight_gradient(state.rules);
  }

 private:
  [[nodiscard]] bool relu() const { return op_.activation == ActivationKind::kRelu; }
  [[nodiscard]] const float* bias() const {
    return op_.bias ? static_cast<const float*>(binding().weights.at(1)) : nullptr;
  }
  [[nodiscard]] static const std::uint32_t* words(const void* memory) {
    return static_cast<const std::uint32_t*>(memory);
  }
  [[nodiscard]] std::uint32_t* scratch_words(std::size_t at) const {
    return reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(binding().scratch) + at);
  }

  /// Scratch: in forward, padded input; in backward, packed gradients, turned ones, and packed input for each thread.
  void divide_scratch() {
    const std::size_t packed_words = dense_packed_rows(batch_) / panels_.group;
    turned_at_ = Buffer::aligned(packed_words * panels_.panels * panels_.width * sizeof(std::uint32_t));
    input_at_ = turned_at_;
    if (options().needs_input_grad) {
      input_at_ += Buffer::aligned(dense_turned_words(batch_, panels_) * sizeof(std::uint32_t));
    }
    input_bytes_ = Buffer::aligned(packed_words * 64 * sizeof(std::uint32_t));
    if (options().training) {
      scratch_bytes_ = input_at_ + weight_grad_division_.parts * input_bytes_;
    }
    if (pads_input_) {
      scratch_bytes_ = std::max(scratch_bytes_, batch_ * (panels_.in + 1) * sizeof(std::uint16_t));
    }
  }

  void pack_gradient() const {
    const DensePack pack{panels_,
                         batch_,
                         binding().output_grad,
                         relu() ? binding().output : nullptr,
                         scratch_words(0),
                         input_grad() != nullptr ? scratch_words(turned_at_) : nullptr};
    const auto panel_numbers = static_cast<std::int64_t>(batch_ * panels_.width);
    parallel_rows(static_cast<std::int64_t>(panels_.panels), panel_numbers, [&](std::int64_t begin, std::int64_t end) {
      dense_pack(pack, {static_cast<std::size_t>(begin), static_cast<std::size_t>(end)});
    });
  }

  void weight_gradient(std::span<const UpdateRule> rules) const {
    DenseWeightGrad dense{panels_, batch_, binding().inputs.at(0), scratch_words(0), nullptr, nullptr, nullptr, nullptr,
                          {},      {}};
    if (!rules.empty()) {
      dense.rule = &rules.front();
      dense.bias_rule = &rules.back();
      dense.target = *binding().update_targets.at(0);
      dense.bias_target = op_.bias ? *binding().update_targets.at(1) : UpdateTarget{};
    } else {
      dense.grads = binding().weight_grads.at(0);
      dense.bias_grads = op_.bias ? binding().weight_grads.at(1) : nullptr;
    }
    for_parts(weight_grad_division_, panels_.rows, panels_.panels,
              [&](std::size_t thread, const Part& rows, const Part& panels) {
                if (op_.bias) {
                  dense_bias_grad(dense, bias_part(thread, panels));
                }
                dense_weight_grad(dense, scratch_words(input_at_ + thread * input_bytes_), rows, panels);
              });
  }

  /// Where rows are divided, panels of the bias are, too.
  [[nodiscard]] Part bias_part(std::size_t thread, const Part& panels) const {
    const std::size_t parts = weight_grad_division_.parts;
    return weight_grad_division_.by_rows ? Part{panels_.panels * thread / parts, panels_.panels * (thread + 1) / parts}
                                         : panels;
  }

  DenseOp op_;
  std::vector<WeightLayout> layouts_;
  DensePanels panels_;
  std::size_t batch_;
  bool pads_input_;
  Division forward_division_;
  Division input_grad_division_;
  Division weight_grad_division_;
  std::size_t turned_at_ = 0;
  std::size_t input_at_ = 0;
  std::size_t input_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Operator> make_dense_operator(const DenseOp& op, const BuildOptions& options) {
  const bool fused = op.activation == ActivationKind::kLinear || op.activation == ActivationKind::kRelu;
  if (!fused || options.batch * op.rows > kMostRows) {
    return nullptr;
  }
  std::vector<WeightLayout> layouts = options.stored_layouts;
  if (layouts.empty()) {
    layouts.push_back(dense_panel_layout(op.in, op.out, options.dtype));
    if (op.bias) {
      layouts.push_back(WeightLayout::plain({op.out}));
    }
  }
  const std::vector<std::int64_t> shape{op.in, op.out};
  if (layouts.size() != (op.bias ? 2U : 1U) || layouts[0].shape() != shape ||
      (op.bias && !(layouts[1] == WeightLayout::plain({op.out})))) {
    return nullptr;
  }
  const auto panels = dense_panels_of(layouts[0], options.dtype);
  return panels ? std::make_unique<DenseOperator>(op, options, std::move(layouts), *panels) : nullptr;
}

}  // namespace lapel::kernels
