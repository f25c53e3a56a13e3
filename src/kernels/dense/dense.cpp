
#include "kernels/dense/dense.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/dense/parts.h"
#include "kernels/simd/simd_operator.h"
#include "kernels/update/denormals.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// Multiplications that are worth a thread of its own (half a microsecond and more).
constexpr std::size_t kProductsPerThread = std::size_t{1} << 16U;
/// Parts of the inputs in which a layer of few outputs is summed. A constant: the order of sums follows from it, and
/// bits must not follow the number of threads.
constexpr std::size_t kInputParts = 2;
/// Weights of more bytes than this (4 MiB of floats) do not stay in the caches of the threads that change them.
constexpr std::size_t kNearBytes = std::size_t{4} << 20U;
/// Rows of more bytes than this are not in the cache that threads share when the second one asks for them.
constexpr std::size_t kSharedBytes = std::size_t{32} << 20U;
/// Rows of a batch beyond which the few weights of a layer do not keep all threads busy, nor their gradient a cache.
constexpr std::int64_t kMostRows = 4096;

std::size_t divided_up(std::size_t count, std::size_t unit) { return (count + unit - 1) / unit; }

/// Part `part` of `parts` of `count`, in whole units: 4 rows of the batch, which a tile has, or 16 inputs, to which the
/// panels are padded.
Part part_of(std::size_t count, std::size_t unit, std::int64_t part, std::int64_t parts) {
  const std::size_t units = divided_up(count, unit);
  const auto number = static_cast<std::size_t>(part);
  const auto of = static_cast<std::size_t>(parts);
  return {std::min(count, units * number / of * unit), std::min(count, units * (number + 1) / of * unit)};
}

/// Calls `body(rows, panels)` for the rectangles that are part `part` of `parts` of all panels, one after another, with
/// `rows` rows each: whole panels, and at both ends perhaps rows of one that is shared. So each thread reads in forward
/// the weights that it changed in backward, most of which are in its cache. Parts are as large in columns that are
/// used.
template <class F>
void for_rectangles(std::size_t rows, std::size_t row_unit, const DensePanels& panels, std::int64_t part,
                    std::int64_t parts, const F& body) {
  // What is divided is columns times units, the work; a range of it is brought back to whole units of rows.
  const std::size_t units = divided_up(rows, row_unit);
  const std::size_t whole_panels = panels.panels - 1;
  const std::size_t last = panels.used(whole_panels);
  const Part columns = part_of(units * (whole_panels * panels.width + last), 1, part, parts);
  const auto units_before = [&](std::size_t column) {
    const std::size_t whole = units * whole_panels;
    const std::size_t before = column / panels.width;
    return before < whole ? before : whole + (column - whole * panels.width) / last;
  };
  const Part mine{units_before(columns.begin), units_before(columns.end)};
  for (std::size_t at = mine.begin; at < mine.end;) {
    const std::size_t panel = at / units;
    const std::size_t first = at % units;
    const std::size_t whole = first == 0 ? (mine.end - at) / units : 0;
    const std::size_t end = whole > 0 ? units : std::min(units, first + mine.end - at);
    body(Part{first * row_unit, std::min(rows, end * row_unit)}, Part{panel, panel + std::max<std::size_t>(1, whole)});
    at += whole > 0 ? whole * units : end - first;
  }
}

/// Both parts one after the other, where a thread has the same rows in both (a layer of one panel, or in parts): the
/// input's gradient, and then the weights change.
template <class Input, class Weight>
auto both_of(const Input& input_part, const Weight& weight_part) {
  return [&](std::int64_t part, std::int64_t parts) {
    input_part(part, parts);
    weight_part(part, parts);
  };
}

/// Divides a step's three products among threads, and its scratch among what they pack. The arithmetic is that of
/// parts.h. Whatever is chosen here, each sum has the same order.
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
    // As many for all passes, so that a thread meets the weights again that it had before.
    const std::size_t products = batch_ * panels_.in * panels_.out / kProductsPerThread;
    threads_ = static_cast<int>(std::clamp<std::size_t>(products, 1, static_cast<std::size_t>(omp_get_max_threads())));
    divide_scratch();
  }

  std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  bool backward_reads_inputs() const override { return options().training; }
  bool backward_reads_output() const override { return options().training && relu(); }
  bool has_fused_update() const override { return options().training; }

  void forward(const StepState& /*state*/) override {
    DenseForward dense = forward_operands();
    auto* const padded = static_cast<std::uint16_t*>(binding().scratch);
    // Rows of an odd length in bfloat16: every second one begins within a word, and the last pair would be half the
    // next row's.
    if (pads_input_) {
      dense.input = words(padded);
      dense.input_words = (panels_.in + 1) / 2;
    }
    const auto pad = [&](std::int64_t part, std::int64_t parts) {
      dense_pad_rows(static_cast<const std::uint16_t*>(binding().inputs.at(0)), panels_.in, padded,
                     part_of(batch_, 1, part, parts));
    };
    const auto add_sums = [&](std::int64_t part, std::int64_t parts) {
      dense_add_sums(dense, batch_, part_of(batch_, 1, part, parts), sums(), kInputParts);
    };
    const auto multiply = [&](std::int64_t part, std::int64_t parts) {
      if (sums_in_parts()) {
        forward_in_parts(dense, part, parts);
      } else if (divides_rows()) {
        dense_forward(dense, part_of(batch_, 4, part, parts), {0, panels_.panels});
      } else {
        for_rectangles(batch_, 4, panels_, part, parts,
                       [&](const Part& rows, const Part& panels) { dense_forward(dense, rows, panels); });
      }
    };
    if (sums_in_parts() && pads_input_) {
      parallel_phases(threads_, pad, multiply, add_sums);
    } else if (sums_in_parts()) {
      parallel_phases(threads_, multiply, add_sums);
    } else if (pads_input_) {
      parallel_phases(threads_, pad, multiply);
    } else {
      parallel_phases(threads_, multiply);
    }
  }

  void backward(const StepState& state) override {
    DenseWeightGrad weight = weight_gradient(state.rules);
    DenseInputGrad input{panels_, batch_, scratch_words(transposed_at_), words(binding().weights.at(0)), input_grad()};
    const bool together =
        input_grad() != nullptr && !state.rules.empty() && dense_updates_with_input_grad(panels_, batch_);
    weight.input_grad = together ? &input : nullptr;
    if (packs_alone()) {
      backward_alone(weight, input);
      return;
    }
    // Packed once for all threads, a share by each: a phase more, which large layers do not feel.
    const auto packing = [&](std::int64_t part, std::int64_t parts) {
      dense_pack(pack_of(0), part_of(panels_.panels, 1, part, parts));
    };
    const auto input_part = [&](std::int64_t part, std::int64_t parts) {
      dense_input_grad(input, part_of(panels_.rows, 16, part, parts));
    };
    const auto weight_part = [&](std::int64_t part, std::int64_t parts) { weight_gradient_part(weight, part, parts); };
    if (input_grad() == nullptr || together) {
      parallel_phases(threads_, packing, weight_part);
    } else if (panels_.panels == 1 || sums_in_parts()) {
      parallel_phases(threads_, packing, both_of(input_part, weight_part));
    } else {
      // The input's gradient before any weight changes.
      parallel_phases(threads_, packing, input_part, weight_part);
    }
  }

 private:
  [[nodiscard]] bool relu() const { return op_.activation == ActivationKind::kRelu; }
  [[nodiscard]] bool weights_stay_near() const {
    return panels_.panels * panels_.panel_size() * sizeof(float) <= kNearBytes;
  }
  /// Whether threads divide the rows of forward instead of the panels: weights that nothing changes can be in several
  /// caches, and then a thread reads rows that it wrote itself, as every step before divides rows too. Of weights from
  /// memory and more rows, which come from there too, every thread reads the weights instead.
  [[nodiscard]] bool divides_rows() const {
    constexpr std::size_t kManyRows = 128;
    if (weights_stay_near()) {
      return !options().training && batch_ >= kManyRows;
    }
    const std::size_t number_bytes = sizeof(std::uint32_t) / panels_.group;
    return batch_ > panels_.out && batch_ * panels_.in * number_bytes > kSharedBytes;
  }
  /// Whether the inputs of a layer of less than two panels are multiplied in parts: then a thread reads and changes the
  /// same inputs' weights in all passes, and no other ones. Whatever the number of threads, so that bits are the same.
  /// Such a layer has no panel for each thread: divided by rows, each would read all weights in forward, half of which
  /// the other one changed just before and has in its cache. A step of 784-64-10 takes 0.43 of the time by it with 4
  /// pictures, 0.82 with 32.
  [[nodiscard]] bool sums_in_parts() const {
    const std::size_t columns = (panels_.panels - 1) * panels_.width + panels_.used(panels_.panels - 1);
    return options().training && weights_stay_near() && columns < kInputParts * panels_.width &&
           panels_.rows >= kInputParts * 16 &&  // each part has some
           batch_ * panels_.in * panels_.out >= kInputParts * kProductsPerThread;
  }
  /// What is divided is parts of the inputs times rows. With two threads each has one part and all rows; with more, the
  /// rows of a part are shared.
  void forward_in_parts(const DenseForward& dense, std::int64_t part, std::int64_t parts) const {
    const std::size_t units = divided_up(batch_, 4);  // of rows
    const Part mine = part_of(kInputParts * units, 1, part, parts);
    for (std::size_t at = mine.begin; at < mine.end;) {
      const std::size_t of_inputs = at / units;
      const std::size_t first = at % units;
      const std::size_t end = std::min(units, first + mine.end - at);
      const Part inputs = part_of(panels_.rows, 16, static_cast<std::int64_t>(of_inputs), kInputParts);
      for (std::size_t panel = 0; panel < panels_.panels; ++panel) {
        float* const to = sums() + (of_inputs * panels_.panels + panel) * batch_ * panels_.width;
        dense_forward_sums(dense, {first * 4, std::min(batch_, end * 4)}, panel, inputs, to);
      }
      at += end - first;
    }
  }
  [[nodiscard]] float* sums() const { return reinterpret_cast<float*>(scratch_words(sums_at_)); }

  [[nodiscard]] const float* bias() const {
    return op_.bias ? static_cast<const float*>(binding().weights.at(1)) : nullptr;
  }
  [[nodiscard]] DenseForward forward_operands() const {
    return {panels_,
            relu(),
            words(binding().inputs.at(0)),
            panels_.in / panels_.group,
            words(binding().weights.at(0)),
            bias(),
            binding().output};
  }
  [[nodiscard]] static const std::uint32_t* words(const void* memory) {
    return static_cast<const std::uint32_t*>(memory);
  }
  [[nodiscard]] std::uint32_t* scratch_words(std::size_t at) const {
    return reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(binding().scratch) + at);
  }

  /// Whether each thread packs the gradients that it reads, all in its own cache, instead of a share of all for
  /// everyone: it reads only its own panels of them, or there are few. One phase and one exchange between cores less:
  /// a step of mlp-300-100 in bfloat16 takes 4% less by it, one of mlp-512 2%.
  [[nodiscard]] bool packs_alone() const {
    constexpr std::size_t kFewNumbers = 8192;
    return weights_stay_near() && (!options().needs_input_grad || batch_ * panels_.out <= kFewNumbers);
  }

  [[nodiscard]] DensePack pack_of(std::int64_t part) const {
    // With a pack for everyone `part` is 0.
    const std::size_t area = static_cast<std::size_t>(part) * pack_bytes_;
    return {panels_,
            batch_,
            binding().output_grad,
            relu() ? binding().output : nullptr,
            scratch_words(area),
            input_grad() != nullptr ? scratch_words(area + transposed_at_) : nullptr};
  }

  /// All of backward, where threads pack for themselves.
  void backward_alone(const DenseWeightGrad& weight, const DenseInputGrad& input) const {
    const auto input_part = [&](std::int64_t part, std::int64_t parts) {
      const DensePack pack = pack_of(part);
      dense_pack(pack, {0, panels_.panels});
      DenseInputGrad mine = input;
      mine.transposed = pack.transposed;
      dense_input_grad(mine, part_of(panels_.rows, 16, part, parts));
    };
    const auto weight_part = [&](std::int64_t part, std::int64_t parts) {
      const FlushDenormals flush;  // once for all updates
      const DensePack pack = pack_of(part);
      DenseWeightGrad mine = weight;
      mine.packed = pack.packed;
      for_weights(part, parts, [&](const Part& rows, const Part& panels) {
        if (input_grad() == nullptr) {
          dense_pack(pack, panels);  // Else input_part has packed all.
        }
        if (op_.bias && rows.begin == 0) {
          dense_bias_grad(mine, panels);
        }
        dense_weight_grad(mine, packed_input(part), rows, panels);
      });
    };
    if (input_grad() == nullptr) {
      parallel_phases(threads_, weight_part);
    } else if (panels_.panels == 1 || sums_in_parts()) {
      parallel_phases(threads_, both_of(input_part, weight_part));
    } else {
      // The input's gradient before any weight changes.
      parallel_phases(threads_, input_part, weight_part);
    }
  }

  [[nodiscard]] std::uint32_t* packed_input(std::int64_t part) const {
    return scratch_words(input_at_ + static_cast<std::size_t>(part) * input_bytes_);
  }

  /// Scratch: in forward, padded input; in backward, packed gradients and transposed ones (of each thread, where it
  /// packs alone), and packed input for each thread. What a thread writes again and again lies apart from the next
  /// thread's (Buffer::apart), as a core prefetches lines beyond those that it reads.
  void divide_scratch() {
    const std::size_t packed_words = dense_packed_rows(batch_) / panels_.group;
    transposed_at_ = Buffer::aligned(packed_words * panels_.panels * panels_.width * sizeof(std::uint32_t));
    const std::size_t transposed_words = options().needs_input_grad ? dense_transposed_words(batch_, panels_) : 0;
    pack_bytes_ = Buffer::apart(transposed_at_ + Buffer::aligned(transposed_words * sizeof(std::uint32_t)));
    input_at_ = pack_bytes_ * (packs_alone() ? static_cast<std::size_t>(threads_) : 1);
    input_bytes_ = Buffer::apart(dense_input_words(panels_, batch_) * sizeof(std::uint32_t));
    if (options().training) {
      scratch_bytes_ = input_at_ + static_cast<std::size_t>(threads_) * input_bytes_;
    }
    sums_at_ = pads_input_ ? Buffer::aligned(batch_ * (panels_.in + 1) * sizeof(std::uint16_t)) : 0;
    const std::size_t sums = sums_in_parts() ? kInputParts : 0;
    scratch_bytes_ =
        std::max(scratch_bytes_, sums_at_ + sums * batch_ * panels_.panels * panels_.width * sizeof(float));
  }

  [[nodiscard]] DenseWeightGrad weight_gradient(std::span<const UpdateRule> rules) const {
    DenseWeightGrad dense{
        panels_, batch_, binding().inputs.at(0), scratch_words(0), nullptr, nullptr, nullptr, nullptr, {}, {}, nullptr};
    if (!rules.empty()) {
      dense.rule = &rules.front();
      dense.bias_rule = &rules.back();
      dense.target = *binding().update_targets.at(0);
      dense.bias_target = op_.bias ? *binding().update_targets.at(1) : UpdateTarget{};
    } else {
      dense.grads = binding().weight_grads.at(0);
      dense.bias_grads = op_.bias ? binding().weight_grads.at(1) : nullptr;
    }
    return dense;
  }

  void weight_gradient_part(const DenseWeightGrad& dense, std::int64_t part, std::int64_t parts) const {
    const FlushDenormals flush;  // once for all updates
    if (op_.bias) {
      dense_bias_grad(dense, part_of(panels_.panels, 1, part, parts));
    }
    std::uint32_t* const input = packed_input(part);
    // Each thread brings the input of its rows into order: all of them, where panels are divided.
    const bool by_rows = dense.input_grad != nullptr || (!weights_stay_near() && panels_.panels < 16);
    if (by_rows) {
      dense_weight_grad(dense, input, part_of(panels_.rows, 16, part, parts), {0, panels_.panels});
      return;
    }
    for_weights(part, parts,
                [&](const Part& rows, const Part& panels) { dense_weight_grad(dense, input, rows, panels); });
  }

  /// Calls `body(rows, panels)` for the weights that a thread changes; of a layer in parts, the inputs that it reads.
  template <class F>
  void for_weights(std::int64_t part, std::int64_t parts, const F& body) const {
    if (sums_in_parts()) {
      body(part_of(panels_.rows, 16, part, parts), Part{0, panels_.panels});
    } else {
      for_rectangles(panels_.rows, 16, panels_, part, parts, body);
    }
  }

  DenseOp op_;
  std::vector<WeightLayout> layouts_;
  DensePanels panels_;
  std::size_t batch_;
  bool pads_input_;
  int threads_ = 1;
  std::size_t sums_at_ = 0;
  std::size_t transposed_at_ = 0;
  std::size_t pack_bytes_ = 0;
  std::size_t input_at_ = 0;
  std::size_t input_bytes_ = 0;
  std::size_t scratch_bytes_ = 0;
};

/// Those in which the weights are stored; else those that this operator likes best.
std::vector<WeightLayout> layouts_of(const DenseOp& op, const BuildOptions& options) {
  if (!options.stored_layouts.empty()) {
    return options.stored_layouts;
  }
  std::vector<WeightLayout> layouts{dense_panel_layout(op.in, op.out, options.dtype)};
  if (op.bias) {
    layouts.push_back(WeightLayout::plain({op.out}));
  }
  return layouts;
}

}  // namespace

bool is_dense_supported(const DenseOp& op, const BuildOptions& options) {
  const bool fused = op.activation == ActivationKind::kLinear || op.activation == ActivationKind::kRelu;
  // AMX's tiles are oneDNN's alone.
  const bool tiles = options.dtype == Dtype::kBfloat16 && cpu().bfloat16_tiles;
  const bool is_native = options.dtype == Dtype::kFloat32 || cpu().fast_bfloat16;
  const auto layouts = layouts_of(op, options);
  const std::vector<std::int64_t> shape{op.in, op.out};
  return fused && is_native && !tiles && options.batch * op.rows <= kMostRows &&
         layouts.size() == (op.bias ? 2U : 1U) && layouts[0].shape() == shape &&
         (!op.bias || layouts[1] == WeightLayout::plain({op.out})) && dense_panels_of(layouts[0], options.dtype);
}

std::unique_ptr<Operator> make_dense_operator(const DenseOp& op, const BuildOptions& options) {
  auto layouts = layouts_of(op, options);
  const auto panels = dense_panels_of(layouts[0], options.dtype);
  return std::make_unique<DenseOperator>(op, options, std::move(layouts), panels.value());
}

}  // namespace lapel::kernels
