#include "layers/activation_names.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "lapel/error.h"

namespace lapel::layers {

using kernels::ActivationKind;

namespace {

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
  for (const auto& [name, kind] : kActivations) {
    names.push_back(name);
  }
  return names;
}

ActivationKind activation_kind(std::string_view name) {
  for (const auto& [known, kind] : kActivations) {
    if (known == name) {
      return kind;
    }
  }
  throw Error(ErrorKind::kInternal, {}, fmt::format("no activation is named \"{}\"", name));
}

bool is_fused(ActivationKind kind) { return kind == ActivationKind::kLinear || kind == ActivationKind::kRelu; }

kernels::Op activation_op(ActivationKind kind, const Shape& shape) {
  if (kind == ActivationKind::kLinear) {
    return kernels::ReshapeOp{.size = shape.size()};
  }
  return kernels::ActivationOp{.kind = kind, .size = shape.size(), .axis = shape.channels};
}

}  // namespace lapel::layers
