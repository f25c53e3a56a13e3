#include "plan/plan.h"

#include <algorithm>

#include "plan/lowering.h"
#include "plan/optimizer.h"

namespace lapel::plan {

namespace {

Program program_of(const model::Model& model, const PlanOptions& options) {
  Program program = lower(model, options.training, options.scale);
  program.frozen = options.frozen;
  optimize(program);
  return program;
}

}  // namespace

Plan::Plan(const model::Model& model, const PlanOptions& options, std::span<const kernels::WeightLayout> stored)
    : program_(program_of(model, options)), executor_(program_, options, model.outputs(), stored) {}

kernels::LossResult Plan::train_step(const Batch& batch, const LossRule& loss, const StepKey& key) {
  return executor_.train_step(batch, loss, key, {});
}

kernels::LossResult Plan::train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                     const kernels::UpdateRule& update) {
  rules_.assign(program_.parameters.size(), update);
  return executor_.train_step(batch, loss, key, rules_);
}

kernels::LossResult Plan::train_step(const Batch& batch, const LossRule& loss, const StepKey& key,
                                     std::span<const kernels::UpdateRule> updates) {
  return executor_.train_step(batch, loss, key, updates);
}

kernels::LossResult Plan::evaluate(const Batch& batch, const LossRule& loss, std::span<float> probabilities) {
  return executor_.evaluate(batch, loss, probabilities);
}

void Plan::predict(const Batch& batch, std::span<float> probabilities) {
  executor_.forward(batch, {}, probabilities.empty() ? nullptr : probabilities.data());
}

void Plan::logits(const Batch& batch, const StepKey& key, std::span<float> logits) {
  executor_.forward(batch, key);
  executor_.read_logits(logits);
}

std::vector<InstructionInfo> Plan::instructions() const {
  const Cost cost(program_, executor_.flow(), batch(), executor_.options().dtype);
  const Parameters* const parameters = executor_.parameters();
  const std::size_t states = parameters == nullptr ? 0 : parameters->optimizer_states();
  std::vector<InstructionInfo> table;
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    table.push_back(cost.of(i, executor_.op(i), states, executor_.stores_gradients()));
  }
  return table;
}

bool Plan::has_convolution() const {
  return std::ranges::any_of(program_.instructions, [](const Instruction& instruction) {
    return std::holds_alternative<kernels::Conv2DOp>(instruction.op);
  });
}

std::size_t Plan::weight_bytes() const {
  std::size_t bytes = 0;
  for (const auto& layout : layouts()) {
    bytes += static_cast<std::size_t>(layout.packed_size()) * sizeof(float);
  }
  return bytes;
}

std::int64_t Plan::flop() const {
  std::int64_t flop = 0;
  for (const InstructionInfo& instruction : instructions()) {
    flop += instruction.flop + instruction.backward_flop;
  }
  return flop;
}

}  // namespace lapel::plan
