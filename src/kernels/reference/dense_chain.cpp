#include "base/buffer.h"
#include "kernels/reference/operators.h"

namespace lapel::kernels {

namespace {

/// One operator for the pixels, if it begins with them, and for each layer, with memory of their own between them.
class ReferenceDenseChain final : public ReferenceOperator {
 public:
  ReferenceDenseChain(const DenseChainOp& op, const BuildOptions& options) : ReferenceOperator(options) {
    BuildOptions part = options;
    if (op.pixel_scale) {
      const DenseOp& first = op.layers.front();
      parts_.push_back({make_reference_input({first.rows * first.in, *op.pixel_scale}, part), 0});
      add_value(first.rows * first.in);
    }
    auto stored = options.stored_layouts.begin();
    for (const DenseOp& layer : op.layers) {
      const std::size_t weights = layer.bias ? 2 : 1;
      if (!options.stored_layouts.empty()) {
        const auto end = stored + static_cast<std::ptrdiff_t>(weights);
        part.stored_layouts.assign(stored, end);
        stored = end;
      }
      part.needs_input_grad = !parts_.empty() ? !(op.pixel_scale && parts_.size() == 1) : options.needs_input_grad;
      parts_.push_back({make_reference_dense(layer, part), weights});
      add_value(layer.rows * layer.out);
    }
  }

  [[nodiscard]] std::vector<WeightLayout> weight_layouts() const override {
    std::vector<WeightLayout> layouts;
    for (const auto& part : parts_) {
      for (auto& layout : part.op->weight_layouts()) {
        layouts.push_back(std::move(layout));
      }
    }
    return layouts;
  }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return true; }

  void bind(const Binding& whole) override {
    std::size_t weight = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const bool first = i == 0;
      const bool last = i + 1 == parts_.size();
      Binding part;
      part.inputs = first ? whole.inputs : std::vector<const void*>{values_[i - 1].data()};
      part.input_grads = first ? whole.input_grads : std::vector<void*>{grads_[i - 1].data()};
      part.output = last ? whole.output : values_[i].data();
      part.output_grad = last ? whole.output_grad : grads_[i].data();
      for (std::size_t k = 0; k < parts_[i].weights; ++k, ++weight) {
        part.weights.push_back(whole.weights.at(weight));
        part.weight_grads.push_back(weight < whole.weight_grads.size() ? whole.weight_grads[weight] : nullptr);
      }
      parts_[i].op->bind(part);
    }
  }

  void forward(const StepState& state) override {
    for (const auto& part : parts_) {
      part.op->forward(state);
    }
  }

  void backward(const StepState& state) override {
    for (std::size_t i = parts_.size(); i-- > 0;) {
      parts_[i].op->backward(state);
    }
  }

 private:
  struct Part {
    std::unique_ptr<Operator> op;
    std::size_t weights = 0;
  };

  void add_value(std::int64_t size) {
    const std::size_t bytes = static_cast<std::size_t>(batch() * size) * dtype_bytes(options().dtype);
    values_.emplace_back(bytes);
    grads_.emplace_back(bytes);
  }

  std::vector<Part> parts_;
  std::vector<Buffer> values_;  // the output of each part
  std::vector<Buffer> grads_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_dense_chain(const DenseChainOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceDenseChain>(op, options);
}

std::unique_ptr<Operator> make_reference_dense_on_pixels(const DenseOnPixelsOp& op, const BuildOptions& options) {
  // To the plain chain the layer that sees all pixels is one more: what lies between them is the same memory.
  DenseChainOp all = op.chain;
  all.layers.push_back(op.dense);
  return std::make_unique<ReferenceDenseChain>(all, options);
}

}  // namespace lapel::kernels
