#include "interop/onnx/activations.h"

#include <fmt/format.h>

#include <array>
#include <numbers>
#include <utility>
#include <vector>

#include "lapel/error.h"

namespace lapel::interop::onnx {

namespace {

/// What the writer of an activation works with: it names its nodes `layer/Operator`.
struct Context {
  GraphBuilder& graph;
  const std::string& layer;
  const std::string& value;

  std::string add(std::string_view type, std::vector<std::string> inputs,
                  std::vector<Attribute> attributes = {}) const {
    return graph.add(type, fmt::format("{}/{}", layer, type), std::move(inputs), std::move(attributes));
  }
  [[nodiscard]] std::string number(std::string_view name, double one) const {
    return graph.number(fmt::format("{}/{}", layer, name), one);
  }
};

std::string linear(const Context& to) { return to.value; }
std::string relu(const Context& to) { return to.add("Relu", {to.value}); }
std::string tanh(const Context& to) { return to.add("Tanh", {to.value}); }
std::string sigmoid(const Context& to) { return to.add("Sigmoid", {to.value}); }
std::string softmax(const Context& to) { return to.add("Softmax", {to.value}, {{"axis", std::int64_t{1}}}); }
std::string elu(const Context& to) { return to.add("Elu", {to.value}, {{"alpha", 1.0F}}); }
/// Keras's default slope of the function, which is not that of the layer.
std::string leaky_relu(const Context& to) { return to.add("LeakyRelu", {to.value}, {{"alpha", 0.2F}}); }
std::string relu6(const Context& to) { return to.add("Clip", {to.value, to.number("least", 0), to.number("most", 6)}); }
std::string silu(const Context& to) { return to.add("Mul", {to.value, to.add("Sigmoid", {to.value})}); }
std::string hard_silu(const Context& to) { return to.add("HardSwish", {to.value}); }

/// x / 2 (1 + erf(x / sqrt 2)), with erf: the operator Gelu came with opset 20.
std::string gelu(const Context& to) {
  const std::string erf = to.add("Erf", {to.add("Mul", {to.value, to.number("sqrt_half", 1 / std::numbers::sqrt2)})});
  const std::string half = to.add("Mul", {to.value, to.number("half", 0.5)});
  return to.add("Mul", {half, to.add("Add", {erf, to.number("one", 1)})});
}

struct Line {
  std::string_view function;
  std::string (*write)(const Context& to);
};

// The list.
constexpr std::array kLines = {
    Line{"linear", linear},
    Line{"relu", relu},
    Line{"gelu", gelu},
    Line{"tanh", tanh},
    Line{"sigmoid", sigmoid},
    Line{"softmax", softmax},
    Line{"leaky_relu", leaky_relu},
    Line{"elu", elu},
    Line{"relu6", relu6},
    Line{"silu", silu},
    Line{"swish", silu},
    Line{"hard_silu", hard_silu},
    Line{"hard_swish", hard_silu},
};

}  // namespace

std::string add_activation(GraphBuilder& graph, const std::string& layer, std::string_view function,
                           const std::string& value) {
  for (const Line& line : kLines) {
    if (line.function == function) {
      return line.write({graph, layer, value});
    }
  }
  throw Error(ErrorKind::kRecipe, fmt::format("layer '{}'", layer),
              fmt::format("the activation {} cannot be written as ONNX", function), {},
              "another format, or a model without it");
}

}  // namespace lapel::interop::onnx
