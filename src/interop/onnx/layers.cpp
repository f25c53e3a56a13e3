#include "interop/onnx/layers.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "interop/onnx/activations.h"

namespace lapel::interop::onnx {

namespace {

using Ints = std::vector<std::int64_t>;

/// What the writer of a layer works with.
struct Context {
  GraphBuilder& graph;
  const LayerView& layer;
  std::span<const std::string> inputs;
  bool last;

  [[nodiscard]] const std::string& name() const { return layer.name(); }
  [[nodiscard]] const std::string& input() const { return inputs.front(); }
  std::string add(std::string_view type, std::vector<std::string> from, std::vector<Attribute> attributes = {}) const {
    return graph.add(type, name(), std::move(from), std::move(attributes));
  }
  /// The layer's `activation` of `value`.
  [[nodiscard]] std::string activated(const std::string& value) const {
    const std::string& function = layer.text("activation");
    return last && function == "softmax" ? value : add_activation(graph, name(), function, value);
  }
};

/// A kernel [h, w, in, out] as [out, in, h, w], and the bias where there is one, behind `input`.
std::vector<std::string> with_convolution_weights(const Context& to, const Ints& shape) {
  const auto& kernel = *to.layer.tensor("kernel");
  constexpr std::array<std::size_t, 4> kOrder = {3, 2, 0, 1};
  std::vector<std::string> inputs = {to.input(), to.graph.floats(kernel.name, {shape[3], shape[2], shape[0], shape[1]},
                                                                 transposed(kernel.values, shape, kOrder))};
  if (const auto* bias = to.layer.tensor("bias")) {
    inputs.push_back(to.graph.floats(bias->name, bias->shape, bias->values));
  }
  return inputs;
}

Attribute pads_of(const Padding& pads) { return {"pads", Ints{pads.top, pads.left, pads.bottom, pads.right}}; }

std::string write_conv2d(const Context& to) {
  const Ints& size = to.layer.integers("kernel_size");
  return to.activated(to.add("Conv", with_convolution_weights(to, to.layer.tensor("kernel")->shape),
                             {{"kernel_shape", size},
                              {"strides", to.layer.integers("strides")},
                              pads_of(padding_of(to.layer, "kernel_size"))}));
}

/// On a picture Dense works on each place's channels: a convolution of one place.
std::string write_dense(const Context& to) {
  const auto& kernel = *to.layer.tensor("kernel");
  if (!to.layer.input().flat) {
    return to.activated(to.add("Conv", with_convolution_weights(to, {1, 1, kernel.shape[0], kernel.shape[1]}),
                               {{"kernel_shape", Ints{1, 1}}}));
  }
  std::vector<std::string> inputs = {to.input(), to.graph.floats(kernel.name, kernel.shape, kernel.values)};
  if (const auto* bias = to.layer.tensor("bias")) {
    inputs.push_back(to.graph.floats(bias->name, bias->shape, bias->values));
  }
  return to.activated(to.add("Gemm", std::move(inputs)));
}

std::string write_pooling(const Context& to, std::string_view type) {
  // AveragePool leaves places beyond the edge out of its means by itself, MaxPool out of its maxima.
  return to.add(type, {to.input()},
                {{"kernel_shape", to.layer.integers("pool_size")},
                 {"strides", to.layer.integers("strides")},
                 pads_of(padding_of(to.layer, "pool_size"))});
}

std::string write_max_pooling(const Context& to) { return write_pooling(to, "MaxPool"); }
std::string write_average_pooling(const Context& to) { return write_pooling(to, "AveragePool"); }

std::string write_global(const Context& to, std::string_view type) {
  return to.add("Flatten", {to.graph.add(type, to.name() + "/pool", {to.input()})});
}

std::string write_global_average(const Context& to) { return write_global(to, "GlobalAveragePool"); }
std::string write_global_max(const Context& to) { return write_global(to, "GlobalMaxPool"); }

std::string write_flatten(const Context& to) { return add_flatten(to.graph, to.name(), to.input(), to.layer.input()); }

std::string write_activation(const Context& to) { return to.activated(to.input()); }

std::string write_add(const Context& to) { return to.add("Sum", {to.inputs.begin(), to.inputs.end()}); }
std::string write_average(const Context& to) { return to.add("Mean", {to.inputs.begin(), to.inputs.end()}); }

std::string write_batch_normalization(const Context& to) {
  const std::int64_t channels = to.layer.input().channels;
  const auto weights = [&](std::string_view name, float otherwise) {
    return to.graph.floats(fmt::format("{}/{}", to.name(), name), {channels},
                           to.layer.weights(name, channels, otherwise));
  };
  return to.add(
      "BatchNormalization",
      {to.input(), weights("gamma", 1), weights("beta", 0), weights("moving_mean", 0), weights("moving_variance", 1)},
      {{"epsilon", static_cast<float>(to.layer.number("epsilon"))}});
}

std::string write_leaky_relu(const Context& to) {
  return to.add("LeakyRelu", {to.input()}, {{"alpha", static_cast<float>(to.layer.number("negative_slope"))}});
}

std::string write_elu(const Context& to) {
  return to.add("Elu", {to.input()}, {{"alpha", static_cast<float>(to.layer.number("alpha"))}});
}

/// Keras's ReLU: x between threshold and max_value; that where it is above; a share of what it is below the threshold.
std::string write_relu(const Context& to) {
  const double most = to.layer.number("max_value");
  const double slope = to.layer.number("negative_slope");
  const double threshold = to.layer.number("threshold");
  if (most == 0 && slope == 0 && threshold == 0) {
    return to.add("Relu", {to.input()});
  }
  const auto number = [&](std::string_view key, double value) {
    return to.graph.number(fmt::format("{}/{}", to.name(), key), value);
  };
  const auto add = [&](std::string_view type, std::vector<std::string> from) {
    return to.graph.add(type, fmt::format("{}/{}", to.name(), type), std::move(from));
  };
  if (slope == 0 && threshold == 0) {
    return to.add("Clip", {to.input(), number("least", 0), number("max_value", most)});
  }
  const std::string least = number("threshold", threshold);
  const std::string above = most == 0 ? to.input() : add("Min", {to.input(), number("max_value", most)});
  const std::string below = add("Mul", {add("Sub", {to.input(), least}), number("negative_slope", slope)});
  return to.add("Where", {add("Less", {to.input(), least}), below, above});
}

/// What changes nothing but in training.
std::string write_nothing(const Context& to) { return to.input(); }

struct Line {
  std::string_view type;
  std::string (*write)(const Context& to);
};

// The list, in the order of the table of layers.
constexpr std::array kLines = {
    Line{"Flatten", write_flatten},
    Line{"Dense", write_dense},
    Line{"Conv2D", write_conv2d},
    Line{"MaxPooling2D", write_max_pooling},
    Line{"AveragePooling2D", write_average_pooling},
    Line{"GlobalAveragePooling2D", write_global_average},
    Line{"GlobalMaxPooling2D", write_global_max},
    Line{"Dropout", write_nothing},
    Line{"Activation", write_activation},
    Line{"Add", write_add},
    Line{"Average", write_average},
    Line{"BatchNormalization", write_batch_normalization},
    Line{"LeakyReLU", write_leaky_relu},
    Line{"ELU", write_elu},
    Line{"ReLU", write_relu},
};

}  // namespace

std::string add_flatten(GraphBuilder& graph, const std::string& name, const std::string& value, const Shape& shape) {
  if (shape.flat) {
    return value;
  }
  const bool same_order = shape.channels == 1 || shape.height * shape.width == 1;
  return graph.add(
      "Flatten", name,
      {same_order ? value : graph.add("Transpose", name + "/channels_last", {value}, {{"perm", Ints{0, 2, 3, 1}}})});
}

std::string add_layer(GraphBuilder& graph, const LayerView& layer, std::span<const std::string> inputs, bool last) {
  const Context context{graph, layer, inputs, last};
  for (const Line& line : kLines) {
    if (line.type == layer.type()) {
      return line.write(context);
    }
  }
  // The layers that change pictures in training alone.
  if (layer.node().layer->before_weights()) {
    return write_nothing(context);
  }
  refuse_layer(layer, "ONNX", "another format, or a model without this layer");
}

}  // namespace lapel::interop::onnx
