#include "interop/torch/module.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "interop/weights.h"

namespace lapel::interop::torch {

namespace {

using Ints = std::vector<std::int64_t>;

/// Names that a variable or an attribute of a module cannot have: Python's words, the file's own, nn.Module's.
// clang-format off
constexpr std::string_view kTaken[] = {
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass",
    "raise", "return", "try", "while", "with", "yield", "None", "True", "False", "self", "torch", "nn", "F",
    "pictures", "probabilities", "add_module", "apply", "bfloat16", "buffers", "children", "compile", "cpu", "cuda",
    "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_parameter",
    "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers", "named_children",
    "named_modules", "named_parameters", "parameters", "register_buffer", "register_module", "register_parameter",
    "requires_grad_", "share_memory", "state_dict", "to", "to_empty", "train", "training", "type", "xpu", "zero_grad",
};
// clang-format on

class Writer {
 public:
  explicit Writer(const store::ModelFile& file) : file_(file) { names_.insert(std::begin(kTaken), std::end(kTaken)); }

  Module run();

  /// The layer's own name as one of Python's.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const LayerView& layer() const { return *layer_; }
  [[nodiscard]] std::span<const std::string> inputs() const { return inputs_; }
  [[nodiscard]] const std::string& input() const { return inputs_.front(); }

  /// Makes `self.NAME = made`, and gives the call of it.
  std::string call(const std::string& made, const std::string& input) {
    module_.made.push_back(fmt::format("self.{} = {}", name_, made));
    return fmt::format("self.{}({})", name_, input);
  }
  void tensor(std::string_view name, Ints shape, std::vector<float> values) {
    module_.tensors.push_back({fmt::format("{}.{}", name_, name), std::move(shape), std::move(values)});
  }
  void leave_out(std::string_view what) { add_finding(module_.findings, FindingKind::kLeftOut, what, layer_->name()); }
  /// The layer's `activation` of an expression.
  [[nodiscard]] std::string activated(const std::string& value) const;

 private:
  std::string unique(std::string_view layer);

  const store::ModelFile& file_;
  Module module_;
  std::set<std::string, std::less<>> names_;
  std::string name_;
  const LayerView* layer_ = nullptr;
  std::vector<std::string> inputs_;
};

/// Python for Keras's activations; {} stands for the value.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kActivations = {{
    {"linear", "{}"},
    {"relu", "F.relu({})"},
    {"gelu", "F.gelu({})"},
    {"tanh", "torch.tanh({})"},
    {"sigmoid", "torch.sigmoid({})"},
    {"softmax", "F.softmax({}, 1)"},
    {"leaky_relu", "F.leaky_relu({}, 0.2)"},
    {"elu", "F.elu({})"},
    {"relu6", "F.relu6({})"},
    {"silu", "F.silu({})"},
    {"swish", "F.silu({})"},
    {"hard_silu", "F.hardswish({})"},
    {"hard_swish", "F.hardswish({})"},
}};

std::string Writer::activated(const std::string& value) const {
  const std::string& function = layer_->text("activation");
  if (is_last_softmax(file_, *layer_)) {
    return value;
  }
  for (const auto& [name, python] : kActivations) {
    if (name == function) {
      return fmt::format(fmt::runtime(python), value);
    }
  }
  refuse_layer(*layer_, fmt::format("PyTorch, for its activation {}", function), "another format");
}

std::string python_bool(bool value) { return value ? "True" : "False"; }

/// `value` with zeros, or what else, around it.
std::string padded(const std::string& value, const Padding& pads, std::string_view fill = "") {
  return pads.none()
             ? value
             : fmt::format("F.pad({}, ({}, {}, {}, {}){})", value, pads.left, pads.right, pads.top, pads.bottom, fill);
}

/// A convolution with a kernel of this shape [h, w, in, out].
std::string convolution(Writer& to, const Ints& shape, const Ints& strides, const Padding& pads) {
  constexpr std::array<std::size_t, 4> kOrder = {3, 2, 0, 1};
  to.tensor("weight", {shape[3], shape[2], shape[0], shape[1]},
            transposed(to.layer().tensor("kernel")->values, shape, kOrder));
  const auto* bias = to.layer().tensor("bias");
  if (bias != nullptr) {
    to.tensor("bias", bias->shape, bias->values);
  }
  const bool even = pads.top == pads.bottom && pads.left == pads.right;
  const std::string made = fmt::format(
      "nn.Conv2d({}, {}, ({}, {}), stride=({}, {}){}, bias={})", shape[2], shape[3], shape[0], shape[1], strides[0],
      strides[1], even && !pads.none() ? fmt::format(", padding=({}, {})", pads.top, pads.left) : std::string(),
      python_bool(bias != nullptr));
  return to.activated(to.call(made, even ? to.input() : padded(to.input(), pads)));
}

std::string write_conv2d(Writer& to) {
  return convolution(to, to.layer().tensor("kernel")->shape, to.layer().integers("strides"),
                     padding_of(to.layer(), "kernel_size"));
}

/// On a picture Dense works on each place's channels: a convolution of one place.
std::string write_dense(Writer& to) {
  const auto& kernel = *to.layer().tensor("kernel");
  if (!to.layer().input().flat) {
    return convolution(to, {1, 1, kernel.shape[0], kernel.shape[1]}, {1, 1}, {});
  }
  constexpr std::array<std::size_t, 2> kOrder = {1, 0};
  to.tensor("weight", {kernel.shape[1], kernel.shape[0]}, transposed(kernel.values, kernel.shape, kOrder));
  const auto* bias = to.layer().tensor("bias");
  if (bias != nullptr) {
    to.tensor("bias", bias->shape, bias->values);
  }
  return to.activated(
      to.call(fmt::format("nn.Linear({}, {}, bias={})", kernel.shape[0], kernel.shape[1], python_bool(bias != nullptr)),
              to.input()));
}

std::string pooled(const Writer& to, std::string_view function, const std::string& value) {
  const Ints& size = to.layer().integers("pool_size");
  const Ints& strides = to.layer().integers("strides");
  return fmt::format("F.{}({}, ({}, {}), ({}, {}))", function, value, size[0], size[1], strides[0], strides[1]);
}

std::string write_max_pooling(Writer& to) {
  return pooled(to, "max_pool2d", padded(to.input(), padding_of(to.layer(), "pool_size"), ", value=float(\"-inf\")"));
}

/// Places beyond the edge are left out of a mean, so it is divided by the share of those within.
std::string write_average_pooling(Writer& to) {
  const Padding pads = padding_of(to.layer(), "pool_size");
  const std::string mean = pooled(to, "avg_pool2d", padded(to.input(), pads));
  return pads.none() ? mean
                     : fmt::format("{} / {}", mean,
                                   pooled(to, "avg_pool2d",
                                          padded(fmt::format("torch.ones_like({}[:1, :1])", to.input()), pads)));
}

std::string write_global_average(Writer& to) { return to.input() + ".mean((2, 3))"; }
std::string write_global_max(Writer& to) { return to.input() + ".amax((2, 3))"; }

std::string flattened(const std::string& value, bool flat) {
  return flat ? value : value + ".permute(0, 2, 3, 1).flatten(1)";
}
std::string write_flatten(Writer& to) { return flattened(to.input(), to.layer().input().flat); }
std::string write_activation(Writer& to) { return to.activated(to.input()); }
std::string write_add(Writer& to) { return fmt::format("{}", fmt::join(to.inputs(), " + ")); }
std::string write_average(Writer& to) {
  return fmt::format("({}) / {}", fmt::join(to.inputs(), " + "), to.inputs().size());
}

std::string write_batch_normalization(Writer& to) {
  const std::int64_t channels = to.layer().input().channels;
  const auto tensor = [&](std::string_view name, std::string_view of, float otherwise) {
    to.tensor(name, {channels}, to.layer().weights(of, channels, otherwise));
  };
  tensor("weight", "gamma", 1);
  tensor("bias", "beta", 0);
  tensor("running_mean", "moving_mean", 0);
  tensor("running_var", "moving_variance", 1);
  return to.call(fmt::format("nn.BatchNorm{}d({}, eps={}, momentum={})", to.layer().input().flat ? 1 : 2, channels,
                             to.layer().number("epsilon"), 1 - to.layer().number("momentum")),
                 to.input());
}

std::string write_dropout(Writer& to) {
  return fmt::format("F.dropout({}, {}, self.training)", to.input(), to.layer().number("rate"));
}
std::string write_leaky_relu(Writer& to) {
  return fmt::format("F.leaky_relu({}, {})", to.input(), to.layer().number("negative_slope"));
}
std::string write_elu(Writer& to) { return fmt::format("F.elu({}, {})", to.input(), to.layer().number("alpha")); }

/// Keras's ReLU: x between threshold and max_value; that where it is above; a share of what it is below the threshold.
std::string write_relu(Writer& to) {
  const double most = to.layer().number("max_value");
  const double slope = to.layer().number("negative_slope");
  const double threshold = to.layer().number("threshold");
  const std::string& x = to.input();
  if (slope == 0 && threshold == 0) {
    return most == 0 ? fmt::format("F.relu({})", x) : fmt::format("torch.clamp({}, 0, {})", x, most);
  }
  return fmt::format("torch.where({} < {}, {} * ({} - {}), {})", x, threshold, slope, x, threshold,
                     most == 0 ? x : fmt::format("torch.clamp({}, max={})", x, most));
}

struct Line {
  std::string_view type;
  std::string (*write)(Writer& to);
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
    Line{"Dropout", write_dropout},
    Line{"Activation", write_activation},
    Line{"Add", write_add},
    Line{"Average", write_average},
    Line{"BatchNormalization", write_batch_normalization},
    Line{"LeakyReLU", write_leaky_relu},
    Line{"ELU", write_elu},
    Line{"ReLU", write_relu},
};

std::string write_layer(Writer& to) {
  for (const Line& line : kLines) {
    if (line.type == to.layer().type()) {
      return line.write(to);
    }
  }
  if (to.layer().node().layer->before_weights()) {
    to.leave_out("layers that change pictures in training alone");
    return to.input();
  }
  refuse_layer(to.layer(), "PyTorch", "another format, or a model without this layer");
}

std::string Writer::unique(std::string_view layer) {
  std::string wanted(layer);
  std::replace_if(
      wanted.begin(), wanted.end(), [](char letter) { return letter == '.' || letter == '-'; }, '_');
  if (wanted.front() >= '0' && wanted.front() <= '9') {
    wanted.insert(0, "layer_");
  }
  std::string name = wanted;
  for (int number = 1; !names_.insert(name).second; ++number) {
    name = fmt::format("{}_{}", wanted, number);
  }
  return name;
}

Module Writer::run() {
  const std::vector<LayerView> layers = layer_views(file_);
  std::vector<std::string> values;
  for (const LayerView& layer : layers) {
    if (values.empty()) {  // Input.
      values.push_back(flattened("pictures", !layer.node().output_shape.flat));
      continue;
    }
    layer_ = &layer;
    inputs_.clear();
    for (const std::size_t input : layer.node().inputs) {
      inputs_.push_back(values[input]);
    }
    name_ = unique(layer.name());
    const std::string value = write_layer(*this);
    if (value == input()) {
      values.push_back(value);
    } else {
      module_.run.push_back(fmt::format("{} = {}", name_, value));
      values.push_back(name_);
    }
  }
  module_.result = values.back();
  return std::move(module_);
}

}  // namespace

Module module_of(const store::ModelFile& file) { return Writer(file).run(); }

}  // namespace lapel::interop::torch
