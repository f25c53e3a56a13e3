#include "plan/cost.h"

namespace lapel::plan {

std::size_t Cost::value_bytes(std::size_t value) const {
  return static_cast<std::size_t>(program_.value_sizes[value] * batch_) * kernels::dtype_bytes(dtype_);
}

/// Those that products read in the plan's number type, biases and the like as floats.
std::size_t Cost::weight_bytes(const kernels::Operator& op) const {
  std::size_t bytes = 0;
  for (const auto& layout : op.weight_layouts()) {
    const std::size_t number = layout.shape().size() > 1 ? kernels::dtype_bytes(dtype_) : sizeof(float);
    bytes += static_cast<std::size_t>(layout.packed_size()) * number;
  }
  return bytes;
}

/// Padding included.
std::size_t Cost::trainable_numbers(std::size_t index, const kernels::Operator& op) const {
  const Instruction& instruction = program_.instructions[index];
  const auto layouts = op.weight_layouts();
  std::size_t numbers = 0;
  for (std::size_t i = 0; i < instruction.parameters; ++i) {
    if (program_.parameters[instruction.first_parameter + i].spec.trainable) {
      numbers += static_cast<std::size_t>(layouts[i].packed_size());
    }
  }
  return numbers;
}

std::size_t Cost::forward_bytes(std::size_t index, const kernels::Operator& op) const {
  const Instruction& instruction = program_.instructions[index];
  std::size_t bytes = static_cast<std::size_t>(kernels::describe(instruction.op).pixels * batch_) + weight_bytes(op) +
                      value_bytes(instruction.output);
  for (const std::size_t input : instruction.inputs) {
    bytes += value_bytes(input);
  }
  return flow_.backward[index] ? bytes + op.saved_bytes() : bytes;
}

/// Without the gradients of weights.
std::size_t Cost::backward_bytes(std::size_t index, const kernels::Operator& op) const {
  const Instruction& instruction = program_.instructions[index];
  const std::size_t output = value_bytes(instruction.output);
  const std::size_t parts = flow_.parts[instruction.output];
  std::size_t bytes = parts > 1 ? (parts + 1) * output : 0;
  if (passes_gradient_on(instruction)) {
    return bytes;
  }
  bytes += output * (op.backward_reads_output() ? 2 : 1) + op.saved_bytes();
  for (const std::size_t input : instruction.inputs) {
    bytes += op.backward_reads_inputs() ? value_bytes(input) : 0;
    bytes += flow_.has_gradient[input] ? value_bytes(input) : 0;
  }
  return bytes + (flow_.through_inputs[index] ? weight_bytes(op) : 0);
}

InstructionInfo Cost::of(std::size_t index, const kernels::Operator& op, std::size_t optimizer_states,
                         bool stores_gradients) const {
  const Instruction& instruction = program_.instructions[index];
  const kernels::OpInfo described = kernels::describe(instruction.op);
  InstructionInfo info{program_.layer_names[instruction.layer], std::string(described.name), op.implementation()};
  info.flop = described.flop * batch_;
  info.bytes = static_cast<std::int64_t>(forward_bytes(index, op));
  if (!flow_.backward[index]) {
    return info;
  }
  const std::size_t numbers = trainable_numbers(index, op);
  const std::size_t gradient = numbers * sizeof(float);
  // Weights and optimizer state are read and written, bfloat16 copies written.
  const std::size_t copy = dtype_ == kernels::Dtype::kBfloat16 ? sizeof(std::uint16_t) : 0;
  const std::size_t update = numbers * (2 * sizeof(float) * (1 + optimizer_states) + copy);
  const bool fused_update = op.has_fused_update() && !stores_gradients;
  info.backward_flop = described.backward_flop_of(flow_.through_inputs[index]) * batch_;
  info.backward_bytes = static_cast<std::int64_t>(backward_bytes(index, op) + (fused_update ? update : gradient));
  info.update_bytes = static_cast<std::int64_t>(update + gradient);
  return info;
}

}  // namespace lapel::plan
