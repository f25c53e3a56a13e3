#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/buffer.h"
#include "base/threads.h"
#include "kernels/dense/panels.h"
#include "kernels/dense_chain/chain_layers.h"
#include "kernels/dense_chain/dense_chain.h"
#include "kernels/dense_chain/pixel_dense.h"
#include "kernels/simd/simd_operator.h"
#include "kernels/update/denormals.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// Places of a picture are summed over in at most so many parts, one after another in each: the same bits for any
/// number of threads.
constexpr std::size_t kMostParts = 8;
/// Places that are worth a part.
constexpr std::size_t kPlacesPerPart = 16;
/// Multiplications of the layer as it is defined (batch x in x out; fewer are made) that are worth a thread of its own.
constexpr std::size_t kProductsPerThread = std::size_t{1} << 16U;
/// From the memory of one thread to that of the next.
constexpr std::size_t kMemoryFloats = Buffer::apart(kPixelDenseFloats * sizeof(float)) / sizeof(float);

std::vector<WeightLayout> layouts_of(const DenseOnPixelsOp& op, Dtype dtype) {
  std::vector<WeightLayout> layouts = chain_layouts(op.chain);
  layouts.push_back(dense_panel_layout(op.dense.in, op.dense.out, dtype));
  if (op.dense.bias) {
    layouts.push_back(WeightLayout::plain({op.dense.out}));
  }
  return layouts;
}

/// Hands out memory, of which each piece is aligned: sizes first, as scratch comes later, in `bind`.
class Pieces {
 public:
  std::size_t add(std::size_t floats) {
    const std::size_t at = bytes_;
    bytes_ += Buffer::aligned(floats * sizeof(float));
    return at;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

/// Saves the table and, in batches of more than a few rows, its pieces and the index of the batch's pixels.
///
/// Work is divided in tasks, a part of the places for one panel: as many whatever the number of threads. A task's sums
/// (forward) and table gradients (backward) are its own, and added up in the order of the tasks in a last phase. The
/// weights of a task are read and changed by nobody else, so that backward can change them without waiting.
class DenseOnPixelsOperator final : public SimdOperator {
 public:
  DenseOnPixelsOperator(const DenseOnPixelsOp& op, const BuildOptions& options, std::vector<WeightLayout> layouts,
                        bool rounds)
      : SimdOperator(options),
        op_(op),
        layouts_(std::move(layouts)),
        chain_weights_(chain_layouts(op.chain).size()),
        panels_(*dense_panels_of(layouts_[chain_weights_], options.dtype)),
        places_(static_cast<std::size_t>(op.chain.layers.front().rows)),
        numbers_(static_cast<std::size_t>(op.chain.layers.back().out)),
        batch_(static_cast<std::size_t>(options.batch)),
        parts_(std::clamp<std::size_t>(places_ / kPlacesPerPart, 1, kMostParts)),
        tasks_(parts_ * panels_.panels),
        table_(op.chain, options, rounds) {
    const std::size_t products = batch_ * panels_.in * panels_.out / kProductsPerThread;
    threads_ = static_cast<int>(std::clamp<std::size_t>(products, 1, static_cast<std::size_t>(omp_get_max_threads())));
    divide_scratch();
  }

  std::vector<WeightLayout> weight_layouts() const override { return layouts_; }
  std::size_t saved_bytes() const override {
    return Buffer::aligned(table_.bytes()) +
           (uses_index() ? Buffer::aligned(kPixelValues) + PixelIndex::bytes(places_, batch_) : 0);
  }
  std::size_t scratch_bytes() const override { return scratch_bytes_; }
  bool backward_reads_output() const override { return options().training && relu(); }
  bool has_fused_update() const override { return options().training; }

  void bind(const Binding& bound) override {
    SimdOperator::bind(bound);
    chain_grads_.clear();
    for (std::size_t i = 0; options().training && i < chain_weights_; ++i) {
      float* const stored = bound.weight_grads.at(i);
      // With rules nobody stores the chain's gradients, which are summed all the same: in scratch then.
      chain_grads_.push_back(stored != nullptr ? stored : floats(chain_grads_at_[i]));
    }
    table_.bind(std::span(bound.weights).first(chain_weights_), chain_grads_, floats(chain_at_));
  }

  void forward(const StepState& state) override {
    check_samples(state);
    table_.forward(binding().saved);  // 256 rows: too little to divide.
    const PixelDense dense = operands(state);
    const PixelDenseFinish finish{floats(sums_at_), parts_, bias(), relu(), binding().output};
    const auto multiply = [&](std::int64_t part, std::int64_t parts) {
      for_tasks(part, parts, [&](const Part& places, std::size_t panel, std::size_t task) {
        float* const sums = floats(sums_at_) + task * batch_ * panels_.width;
        if (uses_index()) {
          pixel_dense_forward(dense, places, panel, memory_of(part), sums);
        } else {
          pixel_dense_forward_few(dense, places, panel, memory_of(part), sums);
        }
      });
    };
    const auto add_up = [&](std::int64_t part, std::int64_t parts) {
      pixel_dense_finish(dense, finish, share_of(batch_, part, parts));
    };
    if (uses_index()) {
      table_.number_pieces(pieces());
      parallel_phases(
          threads_,
          [&](std::int64_t part, std::int64_t parts) {
            const Part places = share_of(places_, part, parts);
            PixelIndex(dense.index).fill(state.pixels, state.samples, pieces(), places.begin, places.end);
          },
          multiply, add_up);
    } else {
      parallel_phases(threads_, multiply, add_up);
    }
  }

  /// The index of forward is still there (saved). Phases: the output's gradient, masked and by panels, with the bias;
  /// the tasks; the sum of their table gradients. Then the chain's 256 rows, on one thread.
  void backward(const StepState& state) override {
    const PixelDense dense = operands(state);
    const DenseWeightGrad weight = weight_gradient(state.rules);
    const std::size_t table = kPixelValues * numbers_;
    const auto load = [&](std::int64_t part, std::int64_t parts) {
      // Masked by the relu once, and laid out by panels, for all places to read.
      const Part panels = share_of(panels_.panels, part, parts);
      pixel_dense_load_grad(dense, binding().output_grad, relu() ? binding().output : nullptr, panels,
                            output_grads_of(0));
      for (std::size_t panel = panels.begin; op_.dense.bias && panel < panels.end; ++panel) {
        const FlushDenormals flush;
        pixel_dense_bias_grad(dense, weight, output_grads_of(panel), panel);
      }
    };
    const auto multiply = [&](std::int64_t part, std::int64_t parts) {
      const FlushDenormals flush;  // Once for all updates of the part.
      for_tasks(part, parts, [&](const Part& places, std::size_t panel, std::size_t task) {
        float* const table_grads = floats(table_grads_at_) + task * table;
        std::fill_n(table_grads, table, 0.0F);
        pixel_dense_backward(dense, weight, output_grads_of(panel), places, panel, memory_of(part), table_grads);
      });
    };
    const auto add_up = [&](std::int64_t part, std::int64_t parts) {
      const Part mine = share_of(table, part, parts);
      float* const sums = floats(table_grads_at_);
      for (std::size_t task = 1; task < tasks_; ++task) {
        std::transform(sums + mine.begin, sums + mine.end, sums + task * table + mine.begin, sums + mine.begin,
                       std::plus<>());
      }
      // The places whose index this thread makes: a picture in another core's cache is hardly nearer than in memory.
      const Part places = share_of(places_, part, parts);
      for (const std::uint32_t sample : state.next_samples) {
        fetch(state.pixels + places_ * sample + places.begin, places.end - places.begin);
      }
    };
    parallel_phases(threads_, load, multiply, add_up);
    table_.backward(binding().saved, floats(table_grads_at_));
    update_chain(state.rules);
  }

 private:
  [[nodiscard]] bool relu() const { return op_.dense.activation == ActivationKind::kRelu; }
  /// Backward needs the rows by their pixels, whatever the batch.
  [[nodiscard]] bool uses_index() const { return options().training || batch_ > kFewRows; }
  [[nodiscard]] std::span<std::uint8_t, kPixelValues> pieces() const {
    auto* const saved = static_cast<std::uint8_t*>(binding().saved);
    return std::span<std::uint8_t, kPixelValues>(saved + Buffer::aligned(table_.bytes()), kPixelValues);
  }
  [[nodiscard]] const float* bias() const {
    return op_.dense.bias ? static_cast<const float*>(binding().weights.at(chain_weights_ + 1)) : nullptr;
  }
  [[nodiscard]] float* floats(std::size_t at) const {
    return reinterpret_cast<float*>(static_cast<std::byte*>(binding().scratch) + at);
  }
  [[nodiscard]] float* memory_of(std::int64_t part) const {
    return floats(memory_at_) + static_cast<std::size_t>(part) * kMemoryFloats;
  }
  /// Of one panel, batch x width in the type of the options.
  [[nodiscard]] std::byte* output_grads_of(std::size_t panel) const {
    return static_cast<std::byte*>(binding().scratch) + output_grads_at_ +
           panel * batch_ * panels_.width * dtype_bytes(options().dtype);
  }
  [[nodiscard]] static Part share_of(std::size_t count, std::int64_t part, std::int64_t parts) {
    const auto number = static_cast<std::size_t>(part);
    const auto of = static_cast<std::size_t>(parts);
    return {count * number / of, count * (number + 1) / of};
  }

  /// Calls `body(places, panel, task)` for the tasks of one thread: parts of the places for each panel in turn, so that
  /// a thread finds in forward the weights that it changed in backward.
  template <class F>
  void for_tasks(std::int64_t part, std::int64_t parts, const F& body) const {
    const Part mine = share_of(tasks_, part, parts);
    for (std::size_t task = mine.begin; task < mine.end; ++task) {
      const std::size_t of_places = task % parts_;
      body(Part{places_ * of_places / parts_, places_ * (of_places + 1) / parts_}, task / parts_, task);
    }
  }

  /// Each thread's memory begins apart from the next one's: it is written for every place.
  void divide_scratch() {
    Pieces pieces;
    const auto threads = static_cast<std::size_t>(threads_);
    memory_at_ = pieces.add(threads * kMemoryFloats);
    chain_at_ = pieces.add(table_.scratch_bytes() / sizeof(float));
    sums_at_ = pieces.add(tasks_ * batch_ * panels_.width);
    if (options().training) {
      output_grads_at_ = pieces.add(panels_.panels * batch_ * panels_.width);
      table_grads_at_ = pieces.add(tasks_ * kPixelValues * numbers_);
      for (std::size_t i = 0; i < chain_weights_; ++i) {
        chain_grads_at_.push_back(pieces.add(static_cast<std::size_t>(layouts_[i].packed_size())));
      }
    }
    scratch_bytes_ = pieces.bytes();
  }

  [[nodiscard]] PixelDense operands(const StepState& state) const {
    auto* const saved = static_cast<std::byte*>(binding().saved);
    PixelDense dense;
    dense.panels = panels_;
    dense.places = places_;
    dense.numbers = numbers_;
    dense.batch = batch_;
    dense.table = saved;
    dense.weights = static_cast<const std::uint32_t*>(binding().weights.at(chain_weights_));
    dense.pixels = state.pixels;
    dense.samples = state.samples;
    if (uses_index()) {
      dense.index = PixelIndex(pieces().data() + Buffer::aligned(kPixelValues), places_, batch_);
    }
    return dense;
  }

  [[nodiscard]] DenseWeightGrad weight_gradient(std::span<const UpdateRule> rules) const {
    DenseWeightGrad dense;
    dense.panels = panels_;
    dense.batch = batch_;
    if (!rules.empty()) {
      dense.rule = &rules[chain_weights_];
      dense.bias_rule = &rules.back();
      dense.target = *binding().update_targets.at(chain_weights_);
      dense.bias_target = op_.dense.bias ? *binding().update_targets.back() : UpdateTarget{};
    } else {
      dense.grads = binding().weight_grads.at(chain_weights_);
      dense.bias_grads = op_.dense.bias ? binding().weight_grads.back() : nullptr;
    }
    return dense;
  }

  /// The chain's weights are few, and their gradient is whole only after all tasks: on the calling thread.
  void update_chain(std::span<const UpdateRule> rules) const {
    if (rules.empty()) {
      return;
    }
    const FlushDenormals flush;
    for (std::size_t i = 0; i < chain_weights_; ++i) {
      const auto count = static_cast<std::size_t>(layouts_[i].packed_size());
      rules[i].apply_here(binding().update_targets[i]->span(0, chain_grads_[i], count));
    }
  }

  DenseOnPixelsOp op_;
  std::vector<WeightLayout> layouts_;
  std::size_t chain_weights_;
  DensePanels panels_;
  std::size_t places_;
  std::size_t numbers_;
  std::size_t batch_;
  std::size_t parts_;
  std::size_t tasks_;
  int threads_ = 1;
  PixelTable table_;
  std::vector<float*> chain_grads_;
  std::size_t memory_at_ = 0;
  std::size_t chain_at_ = 0;
  std::size_t sums_at_ = 0;
  std::size_t output_grads_at_ = 0;
  std::size_t table_grads_at_ = 0;
  std::vector<std::size_t> chain_grads_at_;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Operator> make_dense_on_pixels_operator(const DenseOnPixelsOp& op, const BuildOptions& options,
                                                        bool rounds) {
  check_chain(op.chain);
  std::vector<WeightLayout> layouts = layouts_of(op, options.dtype);
  if (!fits_dense_on_pixels(op.chain, op.dense) ||
      (!options.stored_layouts.empty() && options.stored_layouts != layouts)) {
    throw Error(ErrorKind::kInternal, "dense_on_pixels",
                "this layer does not follow a chain on pixels, or its weights are stored in another layout",
                {{"input", fmt::format("{}", op.dense.in)}, {"outputs", fmt::format("{}", op.dense.out)}});
  }
  return std::make_unique<DenseOnPixelsOperator>(op, options, std::move(layouts), rounds);
}

}  // namespace lapel::kernels
