#include <algorithm>
#include <variant>

#include "plan/plan.h"

namespace lapel::plan {

std::size_t Plan::value_bytes(std::size_t value) const {
  return static_cast<std::size_t>(program_.value_sizes[value] * options_.batch) * kernels::dtype_bytes(options_.dtype);
}

/// Those that products read in the plan's number type, biases and the like as floats.
std::size_t Plan::weight_bytes(const Step& step) const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < step.instruction.parameters; ++i) {
    const auto& layout = layouts_[step.instruction.first_parameter + i];
    const std::size_t number = layout.shape().size() > 1 ? kernels::dtype_bytes(options_.dtype) : sizeof(float);
    bytes += static_cast<std::size_t>(layout.packed_size()) * number;
  }
  return bytes;
}

std::size_t Plan::forward_bytes(const Step& step) const {
  std::size_t bytes = static_cast<std::size_t>(kernels::op_pixels(step.instruction.op) * options_.batch) +
                      weight_bytes(step) + value_bytes(step.instruction.output);
  for (const std::size_t input : step.instruction.inputs) {
    bytes += value_bytes(input);
  }
  return step.backward ? bytes + step.op->saved_bytes() : bytes;
}

std::size_t Plan::backward_bytes(const Step& step) const {
  const std::size_t output = step.instruction.output;
  const std::size_t parts = gradients_[output].parts.size();
  std::size_t bytes = parts > 1 ? (parts + 1) * value_bytes(output) : 0;
  if (passes_gradient_on(step)) {
    return bytes;
  }
  bytes += value_bytes(output) * (step.op->backward_reads_output() ? 2 : 1) + step.op->saved_bytes();
  for (std::size_t i = 0; i < step.instruction.inputs.size(); ++i) {
    const std::size_t input = value_bytes(step.instruction.inputs[i]);
    bytes += step.op->backward_reads_inputs() ? input : 0;
    bytes += step.input_grads[i] != kNone ? input : 0;
  }
  bytes += needs_input_grad(step) ? weight_bytes(step) : 0;
  return bytes + (step.op->updates_weights() && !stores_gradients_ ? update_bytes(step) : gradient_bytes(step));
}

std::size_t Plan::gradient_bytes(const Step& step) const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < step.instruction.parameters; ++i) {
    const std::size_t parameter = step.instruction.first_parameter + i;
    if (parameters_->entries()[parameter].spec.trainable) {
      bytes += static_cast<std::size_t>(layouts_[parameter].packed_size()) * sizeof(float);
    }
  }
  return bytes;
}

/// Weights and optimizer state are read and written, bfloat16 copies written.
std::size_t Plan::update_bytes(const Step& step) const {
  const std::size_t numbers = gradient_bytes(step) / sizeof(float);
  const std::size_t copy = options_.dtype == kernels::Dtype::kBfloat16 ? sizeof(std::uint16_t) : 0;
  return numbers * (2 * sizeof(float) * (1 + parameters_->optimizer_states()) + copy);
}

bool Plan::needs_input_grad(const Step& step) {
  return std::ranges::any_of(step.input_grads, [](std::size_t piece) { return piece != kNone; });
}

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> table;
  for (const auto& step : steps_) {
    const auto& op = step.instruction.op;
    StepInfo info{program_.layer_names[step.instruction.layer], std::string(kernels::op_name(op)),
                  step.op->implementation()};
    info.flop = kernels::op_flop(op) * options_.batch;
    info.bytes = static_cast<std::int64_t>(forward_bytes(step));
    if (step.backward) {
      info.backward_flop = kernels::op_backward_flop(op, needs_input_grad(step)) * options_.batch;
      info.backward_bytes = static_cast<std::int64_t>(backward_bytes(step));
      info.update_bytes = static_cast<std::int64_t>(update_bytes(step) + gradient_bytes(step));
    }
    table.push_back(std::move(info));
  }
  return table;
}

bool Plan::has_convolution() const {
  return std::ranges::any_of(
      steps_, [](const Step& step) { return std::holds_alternative<kernels::Conv2DOp>(step.instruction.op); });
}

std::int64_t Plan::flop() const {
  std::int64_t flop = 0;
  for (const auto& step : steps()) {
    flop += step.flop + step.backward_flop;
  }
  return flop;
}

}  // namespace lapel::plan
