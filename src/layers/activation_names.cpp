#include "layers/activation_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/elementwise/function.h"

namespace lapel::layers {

using kernels::ActivationKind;

namespace {

/// Those that other operators can compute in passing, or that oneDNN has.
constexpr std::array<std::pair<std::string_view, ActivationKind>, 6> kActivations = {{
    {"linear", ActivationKind::kLinear},
    {"relu", ActivationKind::kRelu},
    {"gelu", ActivationKind::kGelu},
    {"tanh", ActivationKind::kTanh},
    {"sigmoid", ActivationKind::kSigmoid},
    {"softmax", ActivationKind::kSoftmax},
}};

}  // namespace

std::vector<std::string_view> activation_names() {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  };
  for (const auto& [name, kind] : kActivations) {
    add(name);
  }
  for (const auto& function : kernels::elementwise_functions()) {
    add(function.name);
    add(function.alias);
  }
  return names;
}

ActivationKind fused_part(std::string_view name) {
  return name == "relu" ? ActivationKind::kRelu : ActivationKind::kLinear;
}

kernels::Op activation_op(std::string_view name, const Shape& shape) {
  for (const auto& [known, kind] : kActivations) {
    if (known == name && kind == ActivationKind::kLinear) {
      return kernels::ReshapeOp{.size = shape.size()};
    }
    if (known == name) {
      return kernels::ActivationOp{.kind = kind, .size = shape.size(), .axis = shape.channels};
    }
  }
  const auto& function = kernels::find_elementwise_function(name);
  return kernels::ElementwiseOp{.function = function.name, .parameters = function.parameters, .size = shape.size()};
}

}  // namespace lapel::layers
