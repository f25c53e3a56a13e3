#include "plan/operator_facts.h"

#include <variant>

namespace lapel::plan {

namespace {

using kernels::ActivationKind;
using Weights = std::vector<std::vector<std::int64_t>>;

void append(Weights& all, Weights more) { all.insert(all.end(), more.begin(), more.end()); }

struct Facts {
  OperatorFacts operator()(const kernels::DenseOp& op) const {
    Weights weights = {{op.in, op.out}};
    if (op.bias) {
      weights.push_back({op.out});
    }
    return {{op.rows * op.in}, op.rows * op.out, weights};
  }
  OperatorFacts operator()(const kernels::DenseChainOp& op) const {
    OperatorFacts facts = (*this)(op.layers.front());
    if (op.pixel_scale) {
      facts.inputs.clear();
    }
    for (std::size_t i = 1; i < op.layers.size(); ++i) {
      append(facts.weights, (*this)(op.layers[i]).weights);
    }
    facts.output = (*this)(op.layers.back()).output;
    return facts;
  }
  OperatorFacts operator()(const kernels::DenseOnPixelsOp& op) const {
    OperatorFacts facts = (*this)(op.chain);
    append(facts.weights, (*this)(op.dense).weights);
    facts.output = (*this)(op.dense).output;
    return facts;
  }
  OperatorFacts operator()(const kernels::Conv2DOp& op) const {
    Weights weights = {{op.kernel[0], op.kernel[1], op.in.channels, op.out.channels}};
    if (op.bias) {
      weights.push_back({op.out.channels});
    }
    return {{op.in.size()}, op.out.size(), weights};
  }
  OperatorFacts operator()(const kernels::ConvPoolOp& op) const {
    OperatorFacts facts = (*this)(op.conv);
    facts.output = op.pool.out.size();
    return facts;
  }
  OperatorFacts operator()(const kernels::Pool2DOp& op) const { return {{op.in.size()}, op.out.size(), {}}; }
  OperatorFacts operator()(const kernels::GlobalPool2DOp& op) const { return {{op.in.size()}, op.in.channels, {}}; }
  OperatorFacts operator()(const kernels::AddOp& op) const {
    return {std::vector(static_cast<std::size_t>(op.inputs), op.size), op.size, {}};
  }
  OperatorFacts operator()(const kernels::BatchNormOp& op) const {
    const int weights = 2 + (op.center ? 1 : 0) + (op.scale ? 1 : 0);
    return {{op.size}, op.size, Weights(static_cast<std::size_t>(weights), {op.channels})};
  }
  OperatorFacts operator()(const kernels::InputOp& op) const { return {{}, op.size, {}}; }
  template <class SameSize>
  OperatorFacts operator()(const SameSize& op) const {
    if constexpr (requires { op.size; }) {
      return {{op.size}, op.size, {}};
    } else {
      return {{op.in.size()}, op.in.size(), {}};
    }
  }
};

}  // namespace

OperatorFacts operator_facts(const kernels::Op& op) { return std::visit(Facts{}, op); }

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

}  // namespace lapel::plan
