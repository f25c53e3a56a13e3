#include "plan/executor.h"

#include <algorithm>
#include <iterator>

namespace lapel::plan {

namespace {

std::vector<kernels::WeightLayout> layouts_of(const std::vector<std::unique_ptr<kernels::Operator>>& operators) {
  std::vector<kernels::WeightLayout> layouts;
  for (const auto& op : operators) {
    std::ranges::move(op->weight_layouts(), std::back_inserter(layouts));
  }
  return layouts;
}

}  // namespace

Executor::Executor(const Program& program, const PlanOptions& options, std::int64_t classes,
                   std::span<const kernels::WeightLayout> stored)
    : program_(program),
      options_(options),
      classes_(classes),
      flow_(gradient_flow(program)),
      operators_(make_operators(stored)),
      layouts_(layouts_of(operators_)),
      sums_(make_sums()),
      memory_(plan_memory()),
      loss_(program, options.batch, classes, options.dtype),
      works_in_team_(std::ranges::all_of(operators_, [](const auto& op) { return op->works_in_team(); })) {}

std::unique_ptr<kernels::Operator> Executor::make(const kernels::Op& op, const kernels::BuildOptions& build) const {
  return options_.make_operator(op, build);
}

Executor::Operators Executor::make_operators(std::span<const kernels::WeightLayout> stored) const {
  Operators operators;
  for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
    const Instruction& instruction = program_.instructions[i];
    kernels::BuildOptions build{options_.batch, flow_.backward[i], flow_.through_inputs[i], options_.dtype, {}};
    if (!stored.empty()) {
      const auto mine = stored.subspan(instruction.first_parameter, instruction.parameters);
      build.stored_layouts.assign(mine.begin(), mine.end());
    }
    operators.push_back(make(instruction.op, build));
  }
  return operators;
}

Executor::Operators Executor::make_sums() const {
  Operators sums(program_.value_sizes.size());
  for (std::size_t value = 0; value < sums.size(); ++value) {
    if (flow_.has_gradient[value] && flow_.parts[value] > 1) {
      sums[value] = make(kernels::AddOp{program_.value_sizes[value], static_cast<std::int64_t>(flow_.parts[value])},
                         {options_.batch, false, false, options_.dtype, {}});
    }
  }
  return sums;
}

MemoryPlan Executor::plan_memory() const {
  std::vector<OperatorMemory> wanted;
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    const kernels::Operator& op = *operators_[i];
    wanted.push_back({op.saved_bytes(), op.scratch_bytes(), op.backward_reads_inputs(), op.backward_reads_output()});
  }
  std::size_t sum_scratch = 0;
  for (const auto& sum : sums_) {
    sum_scratch = std::max(sum_scratch, sum ? sum->scratch_bytes() : 0);
  }
  const std::size_t number_bytes = static_cast<std::size_t>(options_.batch) * kernels::dtype_bytes(options_.dtype);
  return {program_, flow_, wanted, number_bytes, sum_scratch};
}

void Executor::bind(Parameters& parameters) {
  parameters_ = &parameters;
  buffer_ = Buffer(memory_.bytes());
  for (std::size_t i = 0; i < operators_.size(); ++i) {
    bind_instruction(i);
  }
  for (std::size_t value = 0; value < sums_.size(); ++value) {
    if (sums_[value]) {
      bind_sum(value);
    }
  }
}

void Executor::bind_instruction(std::size_t index) {
  const Instruction& instruction = program_.instructions[index];
  kernels::Binding binding;
  for (const std::size_t input : instruction.inputs) {
    binding.inputs.push_back(at(memory_.value(input)));
  }
  binding.output = at(memory_.value(instruction.output));
  bind_parameters(index, binding);
  if (flow_.backward[index]) {
    binding.output_grad = at(memory_.gradient(instruction.output));
    for (const std::size_t offset : memory_.input_gradients(index)) {
      binding.input_grads.push_back(offset == kNone ? nullptr : at(offset));
    }
  }
  binding.saved = at(memory_.saved(index));
  binding.scratch = at(memory_.scratch());
  operators_[index]->bind(binding);
}

void Executor::bind_parameters(std::size_t index, kernels::Binding& binding) {
  const Instruction& instruction = program_.instructions[index];
  for (std::size_t i = 0; i < instruction.parameters; ++i) {
    const std::size_t parameter = instruction.first_parameter + i;
    if (!program_.parameters[parameter].spec.trainable) {
      binding.statistics.push_back(parameters_->statistic(parameter));
      continue;
    }
    binding.weights.push_back(parameters_->operand(parameter));
    if (flow_.backward[index]) {
      const bool stored = stores_gradients_ || !operators_[index]->has_fused_update();
      binding.weight_grads.push_back(stored ? parameters_->gradient(parameter) : nullptr);
      binding.update_targets.push_back(parameters_->update_target(parameter));
    }
  }
}

void Executor::bind_sum(std::size_t value) {
  kernels::Binding binding;
  for (const std::size_t part : memory_.gradient_parts(value)) {
    binding.inputs.push_back(at(part));
  }
  binding.output = at(memory_.gradient(value));
  binding.scratch = at(memory_.scratch());
  sums_[value]->bind(binding);
}

}  // namespace lapel::plan
