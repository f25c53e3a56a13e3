#include "plan/lowering.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace lapel::plan {

namespace {

using kernels::ActivationKind;

/// The size of what an operator gives.
struct OutputSize {
  std::int64_t operator()(const kernels::DenseOp& op) const { return op.rows * op.out; }
  std::int64_t operator()(const kernels::DenseChainOp& op) const { return (*this)(op.layers.back()); }
  std::int64_t operator()(const kernels::DenseOnPixelsOp& op) const { return (*this)(op.dense); }
  std::int64_t operator()(const kernels::Conv2DOp& op) const { return op.out.size(); }
  std::int64_t operator()(const kernels::ConvPoolOp& op) const { return op.pool.out.size(); }
  std::int64_t operator()(const kernels::Pool2DOp& op) const { return op.out.size(); }
  std::int64_t operator()(const kernels::GlobalPool2DOp& op) const { return op.in.channels; }
  std::int64_t operator()(const kernels::RandomFlipOp& op) const { return op.in.size(); }
  std::int64_t operator()(const kernels::RandomTranslationOp& op) const { return op.in.size(); }
  std::int64_t operator()(const kernels::RandomAffineOp& op) const { return op.in.size(); }
  std::int64_t operator()(const kernels::RandomErasingOp& op) const { return op.in.size(); }
  std::int64_t operator()(const kernels::CutMixOp& op) const { return op.in.size(); }
  template <class SameSize>
  std::int64_t operator()(const SameSize& op) const {
    return op.size;
  }
};

bool is_identity(const kernels::Op& op, bool training) {
  if (std::holds_alternative<kernels::ReshapeOp>(op)) {
    return true;
  }
  if (const auto* activation = std::get_if<kernels::ActivationOp>(&op)) {
    return activation->kind == ActivationKind::kLinear;
  }
  if (kernels::is_augmentation(op)) {
    return !training;
  }
  const auto* dropout = std::get_if<kernels::DropoutOp>(&op);
  return dropout != nullptr && (!training || dropout->rate == 0);
}

/// The activation that can be part of this operator, or null for one without. Those with one are those with weights.
ActivationKind* fusable_activation(kernels::Op& op) {
  if (auto* dense = std::get_if<kernels::DenseOp>(&op)) {
    return &dense->activation;
  }
  if (auto* conv = std::get_if<kernels::Conv2DOp>(&op)) {
    return &conv->activation;
  }
  if (auto* norm = std::get_if<kernels::BatchNormOp>(&op)) {
    return &norm->activation;
  }
  return nullptr;
}

class Lowering {
 public:
  Lowering(const model::Model& model, bool training, float scale) : model_(model), training_(training), scale_(scale) {}

  Lowered run() {
    for (std::size_t i = 0; i < model_.nodes().size(); ++i) {
      lower_node(i);
    }
    result_.logits = node_values_.back();
    drop_final_softmax();
    fuse_activations();
    move_relu_behind_maximum();
    join_first_pools();
    fuse_chains();
    join_dense_on_pixels();
    return std::move(result_);
  }

 private:
  void lower_node(std::size_t index) {
    const auto& node = model_.nodes()[index];
    std::vector<std::size_t> inputs;
    for (const std::size_t input : node.inputs) {
      inputs.push_back(node_values_[input]);
    }
    std::size_t unclaimed = node.parameters.size();
    for (auto& op : node.layer->lower(node.input_shapes)) {
      if (auto* dropout = std::get_if<kernels::DropoutOp>(&op)) {
        dropout->unit = dropouts_++;
      } else if (std::uint32_t* unit = kernels::augmentation_unit(op)) {
        *unit = augmentations_++;
      }
      if (is_identity(op, false) && !is_identity(op, true)) {
        changes_with_training_ = std::min(changes_with_training_, index);
      }
      if (is_identity(op, training_)) {
        continue;
      }
      if (auto* input = std::get_if<kernels::InputOp>(&op)) {
        input->scale = scale_;
      }
      LoweredStep step{op, inputs, add_value(std::visit(OutputSize{}, op)), next_parameter_, 0, index};
      if (fusable_activation(op) != nullptr) {
        step.parameters = std::exchange(unclaimed, 0);
      }
      inputs = {step.output};
      result_.steps.push_back(std::move(step));
    }
    next_parameter_ += node.parameters.size();
    node_values_.push_back(inputs.front());
  }

  std::size_t add_value(std::int64_t size) {
    result_.value_sizes.push_back(size);
    return result_.value_sizes.size() - 1;
  }

  void drop_final_softmax() {
    const auto& last = result_.steps.back();
    const auto* activation = std::get_if<kernels::ActivationOp>(&last.op);
    if (activation != nullptr && activation->kind == ActivationKind::kSoftmax && last.output == result_.logits) {
      result_.logits = last.inputs.front();
      result_.steps.pop_back();
    }
  }

  [[nodiscard]] std::size_t readers(std::size_t value) const {
    std::size_t count = value == result_.logits ? 1 : 0;
    for (const auto& step : result_.steps) {
      count += static_cast<std::size_t>(std::count(step.inputs.begin(), step.inputs.end(), value));
    }
    return count;
  }

  /// The step that gives a value.
  [[nodiscard]] std::vector<LoweredStep>::iterator writer(std::size_t value) {
    return std::find_if(result_.steps.begin(), result_.steps.end(),
                        [&](const LoweredStep& step) { return step.output == value; });
  }

  void fuse_activations() {
    for (std::size_t i = 0; i < result_.steps.size(); ++i) {
      const auto* op = std::get_if<kernels::ActivationOp>(&result_.steps[i].op);
      if (op == nullptr) {
        continue;
      }
      const std::size_t input = result_.steps[i].inputs.front();
      const auto before = writer(input);
      const bool fits = op->kind == ActivationKind::kRelu ||
                        (op->kind == ActivationKind::kGelu && std::holds_alternative<kernels::BatchNormOp>(before->op));
      ActivationKind* activation = fusable_activation(before->op);
      if (fits && activation != nullptr && *activation == ActivationKind::kLinear && readers(input) == 1) {
        *activation = op->kind;
        before->output = result_.steps[i].output;
        result_.steps.erase(result_.steps.begin() + static_cast<std::ptrdiff_t>(i));
        --i;
      }
    }
  }

  /// The relu of a step that only a maximum reads becomes the maximum's, which has fewer numbers.
  void move_relu_behind_maximum() {
    for (auto& step : result_.steps) {
      auto* pool = std::get_if<kernels::Pool2DOp>(&step.op);
      if (pool == nullptr || pool->kind != kernels::Pool2DOp::Kind::kMax ||
          pool->pool[0] * pool->pool[1] > kernels::Pool2DOp::kMostReluPlaces || readers(step.inputs.front()) != 1) {
        continue;
      }
      const auto before = writer(step.inputs.front());
      ActivationKind* activation = fusable_activation(before->op);
      if (activation != nullptr && *activation == ActivationKind::kRelu) {
        pool->activation = std::exchange(*activation, ActivationKind::kLinear);
      }
    }
  }

  /// Whether weights come before this value, so that it has a gradient in training.
  [[nodiscard]] bool depends_on_weights(std::size_t value) {
    const auto step = writer(value);
    return step->parameters > 0 || std::any_of(step->inputs.begin(), step->inputs.end(),
                                               [&](std::size_t input) { return depends_on_weights(input); });
  }

  /// A maximum that alone reads a convolution on the pictures, which have few channels, becomes one step with it.
  void join_first_pools() {
    for (std::size_t i = 0; i < result_.steps.size(); ++i) {
      const LoweredStep& step = result_.steps[i];
      const auto* pool = std::get_if<kernels::Pool2DOp>(&step.op);
      if (pool == nullptr || readers(step.inputs.front()) != 1) {
        continue;
      }
      LoweredStep& before = *writer(step.inputs.front());
      const auto* conv = std::get_if<kernels::Conv2DOp>(&before.op);
      if (conv == nullptr || !kernels::fits_conv_pool(*conv, *pool) || depends_on_weights(before.inputs.front())) {
        continue;
      }
      before.op = kernels::ConvPoolOp{*conv, *pool};
      result_.value_sizes[before.output] = 0;
      before.output = step.output;
      result_.steps.erase(result_.steps.begin() + static_cast<std::ptrdiff_t>(i));
      --i;
    }
  }

  /// Small layers on many rows become chains, each by itself; then one that alone reads another's output, or the
  /// pictures, joins it. That a layer is in a chain depends on nothing else, so that weights lie alike in every plan.
  void fuse_chains() {
    for (auto& step : result_.steps) {
      const auto* dense = std::get_if<kernels::DenseOp>(&step.op);
      if (dense != nullptr && kernels::fits_chain(*dense)) {
        step.op = kernels::DenseChainOp{{*dense}};
      }
    }
    for (std::size_t i = 0; i < result_.steps.size(); ++i) {
      auto& step = result_.steps[i];
      if (!std::holds_alternative<kernels::DenseChainOp>(step.op) || readers(step.inputs.front()) != 1) {
        continue;
      }
      const auto before = writer(step.inputs.front());
      if (join_chain(*before, step)) {
        result_.value_sizes[before->output] = 0;
        result_.steps.erase(before);
        --i;
      }
    }
  }

  /// Whether `step`, a chain, could take in the step whose output it reads.
  static bool join_chain(const LoweredStep& before, LoweredStep& step) {
    auto& chain = std::get<kernels::DenseChainOp>(step.op);
    if (const auto* input = std::get_if<kernels::InputOp>(&before.op); input != nullptr && chain.layers[0].in == 1) {
      chain.pixel_scale = input->scale;
      step.inputs.clear();
      return true;
    }
    const auto* first = std::get_if<kernels::DenseChainOp>(&before.op);
    if (first == nullptr || before.first_parameter + before.parameters != step.first_parameter) {
      return false;
    }
    chain.layers.insert(chain.layers.begin(), first->layers.begin(), first->layers.end());
    chain.pixel_scale = first->pixel_scale;
    step.inputs = before.inputs;
    step.first_parameter = before.first_parameter;
    step.parameters += before.parameters;
    return true;
  }

  /// A layer on all that a chain on pixels gives becomes one step with it, unless a layer before it is there in
  /// training only: the weights are to lie alike in every plan.
  void join_dense_on_pixels() {
    for (auto& step : result_.steps) {
      const auto* dense = std::get_if<kernels::DenseOp>(&step.op);
      if (dense == nullptr || changes_with_training_ < step.node || readers(step.inputs.front()) != 1) {
        continue;
      }
      const auto before = writer(step.inputs.front());
      const auto* chain = std::get_if<kernels::DenseChainOp>(&before->op);
      if (chain == nullptr || !kernels::fits_dense_on_pixels(*chain, *dense) ||
          before->first_parameter + before->parameters != step.first_parameter) {
        continue;
      }
      step.op = kernels::DenseOnPixelsOp{*chain, *dense};
      step.inputs.clear();
      step.first_parameter = before->first_parameter;
      step.parameters += before->parameters;
      result_.value_sizes[before->output] = 0;
      result_.steps.erase(before);
      return;  // Only one layer can begin with the pictures.
    }
  }

  const model::Model& model_;
  bool training_;
  float scale_;
  Lowered result_;
  std::vector<std::size_t> node_values_;
  std::size_t changes_with_training_ = std::numeric_limits<std::size_t>::max();  ///< The first node that does.
  std::size_t next_parameter_ = 0;
  std::uint32_t dropouts_ = 0;
  std::uint32_t augmentations_ = 0;
};

}  // namespace

Lowered lower(const model::Model& model, bool training, float scale) { return Lowering(model, training, scale).run(); }

}  // namespace lapel::plan
