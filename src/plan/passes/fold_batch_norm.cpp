#include "plan/passes/fold_batch_norm.h"

#include <optional>

namespace lapel::plan {

namespace {

using kernels::ActivationKind;

struct Product {
  std::int64_t channels = 0;
  bool* bias = nullptr;
};

/// The product that a normalization can go into, or nothing.
std::optional<Product> linear_product(kernels::Op& op) {
  if (auto* dense = std::get_if<kernels::DenseOp>(&op);
      dense != nullptr && dense->activation == ActivationKind::kLinear) {
    return Product{dense->out, &dense->bias};
  }
  if (auto* conv = std::get_if<kernels::Conv2DOp>(&op);
      conv != nullptr && conv->activation == ActivationKind::kLinear) {
    return Product{conv->out.channels, &conv->bias};
  }
  return std::nullopt;
}

/// Where the model has the weights of a normalization: gamma and beta, where it has them, then mean and variance.
Normalization normalization_of(const Program& program, const Instruction& instruction) {
  const auto& op = std::get<kernels::BatchNormOp>(instruction.op);
  std::size_t next = instruction.first_parameter;
  const auto source = [&] { return program.parameters[next++].source; };
  Normalization norm;
  norm.gamma = op.scale ? source() : kNone;
  norm.beta = op.center ? source() : kNone;
  norm.mean = source();
  norm.variance = source();
  norm.epsilon = op.epsilon;
  return norm;
}

void add_bias(Program& program, Instruction& instruction, std::int64_t channels) {
  const std::size_t bias = instruction.first_parameter + instruction.parameters;
  Parameter zeros;
  zeros.name = program.layer_names[instruction.layer] + "/bias";
  zeros.spec.name = "bias";
  zeros.spec.shape = {channels};
  program.insert_parameter(bias, zeros);
  ++instruction.parameters;
}

void fold(Program& program, Instruction& producer, std::size_t position) {
  const Instruction& instruction = program.instructions[position];
  const Normalization norm = normalization_of(program, instruction);
  const Product product = *linear_product(producer.op);
  program.erase_parameters(instruction.first_parameter, instruction.parameters);
  if (!*product.bias) {
    *product.bias = true;
    add_bias(program, producer, product.channels);
  }
  for (std::size_t i = 0; i < producer.parameters; ++i) {
    program.parameters[producer.first_parameter + i].folded = norm;
  }
  program.join_into_producer(producer, position);
}

}  // namespace

void fold_batch_norm(Program& program) {
  if (!program.frozen) {
    return;
  }
  for (std::size_t i = 0; i < program.instructions.size();) {
    const Instruction& instruction = program.instructions[i];
    const bool is_norm = std::holds_alternative<kernels::BatchNormOp>(instruction.op);
    Instruction* const producer = is_norm ? program.sole_producer(instruction) : nullptr;
    if (producer != nullptr && linear_product(producer->op)) {
      fold(program, *producer, i);
    } else {
      ++i;
    }
  }
}

}  // namespace lapel::plan
