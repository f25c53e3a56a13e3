#include <fmt/format.h>

#include <string_view>
#include <variant>

#include "plan/program.h"

namespace lapel::plan {

namespace {

using kernels::ActivationKind;

std::string_view after(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kLinear:
      return "";
    case ActivationKind::kRelu:
      return " relu";
    case ActivationKind::kGelu:
      return " gelu";
    default:
      return " ?";
  }
}

/// What the name of an operator does not say: sizes, then what else it does.
struct Details {
  std::string operator()(const kernels::DenseOp& op) const {
    return fmt::format("{} x {} -> {}{}", op.rows, op.in, op.out, after(op.activation));
  }
  std::string operator()(const kernels::DenseChainOp& op) const {
    std::string text = (*this)(op.layers.front());
    for (std::size_t i = 1; i < op.layers.size(); ++i) {
      text += fmt::format(" -> {}{}", op.layers[i].out, after(op.layers[i].activation));
    }
    return op.pixel_scale ? fmt::format("{}, scale {}", text, *op.pixel_scale) : text;
  }
  std::string operator()(const kernels::DenseOnPixelsOp& op) const {
    return fmt::format("{}; {}", (*this)(op.chain), (*this)(op.dense));
  }
  std::string operator()(const kernels::Conv2DOp& op) const {
    return fmt::format("{} -> {}{}", op.in.text(), op.out.text(), after(op.activation));
  }
  std::string operator()(const kernels::Pool2DOp& op) const {
    return fmt::format("{} -> {}{}", op.in.text(), op.out.text(), after(op.activation));
  }
  std::string operator()(const kernels::ConvPoolOp& op) const {
    return fmt::format("{}; {}", (*this)(op.conv), (*this)(op.pool));
  }
  std::string operator()(const kernels::BatchNormOp& op) const {
    return fmt::format("{} of {}{}", op.size, op.channels, after(op.activation));
  }
  std::string operator()(const kernels::AddOp& op) const {
    return op.scale == 1 ? fmt::format("{}", op.size) : fmt::format("{}, scale {}", op.size, op.scale);
  }
  std::string operator()(const kernels::InputOp& op) const { return fmt::format("{}, scale {}", op.size, op.scale); }
  std::string operator()(const kernels::DropoutOp& op) const {
    return fmt::format("{}, rate {}, unit {}", op.size, op.rate, op.unit);
  }
  template <class Other>
  std::string operator()(const Other& op) const {
    std::string text;
    if constexpr (requires { op.size; }) {
      text = fmt::format("{}", op.size);
    } else {
      text = op.in.text();
    }
    if constexpr (requires { op.unit; }) {
      text += fmt::format(", unit {}", op.unit);
    }
    return text;
  }
};

std::string parameter_text(const Parameter& parameter) {
  return parameter.folded ? fmt::format("folded({})", parameter.name) : parameter.name;
}

std::string operands(const Program& program, const Instruction& instruction) {
  std::string text;
  for (const std::size_t input : instruction.inputs) {
    text += fmt::format("{}%{}", text.empty() ? "" : " ", input);
  }
  for (std::size_t i = 0; i < instruction.parameters; ++i) {
    const std::size_t parameter = instruction.first_parameter + i;
    text += i == 0 ? "; " : " ";
    text += parameter < program.parameters.size() ? parameter_text(program.parameters[parameter]) : "?";
  }
  return text;
}

}  // namespace

std::string to_text(const Program& program) {
  std::string text;
  for (const Instruction& instruction : program.instructions) {
    text += fmt::format("%{} = {}({}) {}  # {}\n", instruction.output, kernels::describe(instruction.op).name,
                        operands(program, instruction), std::visit(Details{}, instruction.op),
                        instruction.layer < program.layer_names.size() ? program.layer_names[instruction.layer] : "?");
  }
  return text + fmt::format("logits %{}\n", program.logits);
}

}  // namespace lapel::plan
