#include "model/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/limits.h"
#include "kernels/ops.h"
#include "lapel/error.h"
#include "layers/input.h"
#include "model/names.h"

namespace lapel::model {

namespace {

using Positions = std::map<std::string, std::size_t, std::less<>>;

/// What `error`, from a layer, becomes in the model: with its place and its inputs.
Error in_place(const Error& error, const Node& node, std::span<const Node> nodes) {
  std::string inputs;
  for (const std::size_t input : node.inputs) {
    inputs +=
        fmt::format("{}{} from '{}'", inputs.empty() ? "" : ", ", nodes[input].output_shape.text(), nodes[input].name);
  }
  std::vector<ErrorFact> facts = error.facts();
  if (!inputs.empty()) {
    facts.insert(facts.begin(), {node.inputs.size() == 1 ? "input" : "inputs", inputs});
  }
  return {error.kind(), node.place, error.problem(), std::move(facts), error.hint()};
}

/// The positions of the layers that `spec` takes, among the `nodes` made so far.
std::vector<std::size_t> find_inputs(const LayerSpec& spec, const std::string& place, std::span<const Node> nodes,
                                     const Positions& by_name, std::span<const std::string> all_names) {
  if (spec.inputs.empty()) {
    return {nodes.size() - 1};
  }
  std::vector<std::size_t> positions;
  for (const auto& input : spec.inputs) {
    const auto found = by_name.find(input);
    if (found != by_name.end()) {
      positions.push_back(found->second);
    } else if (std::find(all_names.begin(), all_names.end(), input) != all_names.end()) {
      throw Error(ErrorKind::kRecipe, place, fmt::format("its input \"{}\" does not come before it", input), {},
                  "the layers in an order in which each comes after its inputs");
    } else {
      std::vector<std::string_view> known;
      for (const auto& node : nodes) {
        known.push_back(node.name);
      }
      const std::string near = nearest_word(input, known);
      throw Error(ErrorKind::kRecipe, place, fmt::format("unknown input \"{}\"", input),
                  {{"known", fmt::format("{}", fmt::join(known, ", "))}}, near);
    }
  }
  return positions;
}

void check_input_count(const layers::Layer& layer, const Node& node, std::span<const Node> nodes) {
  const auto count = static_cast<std::int64_t>(node.inputs.size());
  const std::int64_t least = layer.min_inputs();
  const std::int64_t most = layer.max_inputs();
  if (count >= least && count <= most) {
    return;
  }
  const std::string range = least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  const Error error(ErrorKind::kRecipe, {},
                    fmt::format("takes {} {}, but has {}", range, range == "1" ? "input" : "inputs", count), {},
                    count > most ? "Add, to make one of them" : "inputs = [\"...\", \"...\"]");
  throw in_place(error, node, nodes);
}

void check_before_weights(const Node& node) {
  if (node.layer->before_weights() && node.after_weights) {
    throw Error(ErrorKind::kRecipe, {}, "comes after a layer with weights, but passes no gradient on to it", {},
                "the layers that change pictures first");
  }
}

void check_sizes(const Node& node) {
  if (node.output_shape.size() > kMostOutputNumbers) {
    throw Error(
        ErrorKind::kRecipe, {},
        fmt::format("its output has {} numbers a sample, more than {}", node.output_shape.size(), kMostOutputNumbers),
        {}, "smaller pictures, or fewer filters");
  }
  for (const auto& parameter : node.parameters) {
    if (parameter.size() > kMostWeightNumbers) {
      throw Error(
          ErrorKind::kRecipe, {},
          fmt::format("its {} has {} numbers, more than {}", parameter.name, parameter.size(), kMostWeightNumbers));
    }
  }
}

/// Fills the shapes and parameters of `node`, whose layer and inputs are known.
void infer(Node& node, std::span<const Node> nodes) {
  for (const std::size_t input : node.inputs) {
    node.input_shapes.push_back(nodes[input].output_shape);
    node.after_weights = node.after_weights || nodes[input].after_weights || !nodes[input].parameters.empty();
  }
  check_input_count(*node.layer, node, nodes);
  try {
    check_before_weights(node);
    node.output_shape = node.layer->output_shape(node.input_shapes);
    node.parameters = node.layer->parameters(node.input_shapes);
    check_sizes(node);
  } catch (const Error& error) {
    throw in_place(error, node, nodes);
  }
}

void check_all_used(std::span<const Node> nodes) {
  std::vector<bool> used(nodes.size(), false);
  for (const auto& node : nodes) {
    for (const std::size_t input : node.inputs) {
      used[input] = true;
    }
  }
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
    if (!used[i]) {
      throw Error(ErrorKind::kRecipe, nodes[i].place, "no layer takes its output", {},
                  fmt::format("inputs = [\"{}\"] in a later layer, or leave it out", nodes[i].name));
    }
  }
}

void check_output(const Node& last) {
  const Shape& shape = last.output_shape;
  if (shape.flat && shape.channels >= 2) {
    return;
  }
  throw Error(ErrorKind::kRecipe, last.place,
              fmt::format("the last layer gives {}; a classifier ends in a vector with one number a class",
                          shape.flat ? "1 number" : shape.text()),
              {},
              shape.flat ? "units = the number of classes, at least 2" : "Flatten, then Dense with one unit a class");
}

void check_input_shape(const Node& node, const Shape& input) {
  if (node.output_shape != input) {
    const OptionValues given = layers::input_options(node.output_shape);
    const OptionValues right = layers::input_options(input);
    throw Error(ErrorKind::kRecipe, node.place,
                fmt::format("shape = {} is not that of the data", option_text(given.find("shape")->second)),
                {{"data", input.text()}}, fmt::format("shape = {}", option_text(right.find("shape")->second)));
  }
}

bool is_input(const LayerSpec& spec) { return spec.type == "Input"; }

}  // namespace

Model::Model(std::string name, const std::vector<LayerSpec>& layers, const Shape& input) : name_(std::move(name)) {
  if (layers.empty()) {
    throw Error(ErrorKind::kRecipe, {}, fmt::format("the model '{}' has no layers", name_));
  }
  explicit_input_ = is_input(layers.front());
  std::vector<LayerSpec> specs = layers;
  if (!explicit_input_) {
    specs.insert(specs.begin(), LayerSpec{"Input", {}, {}, layers::input_options(input), {}});
  }
  if (specs.size() > kMostLayers) {
    throw Error(ErrorKind::kRecipe, {},
                fmt::format("the model '{}' has {} layers, more than {}", name_, specs.size(), kMostLayers));
  }
  const std::vector<std::string> names = layer_names(specs);
  Positions by_name;
  nodes_.reserve(specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const LayerSpec& spec = specs[i];
    Node node;
    node.name = names[i];
    node.place = layer_place(spec, names[i]);
    try {
      node.layer = layers::make_layer(spec.type, spec.options);
    } catch (const Error& error) {
      throw error.within(node.place);
    }
    if (i > 0 && is_input(spec)) {
      throw Error(ErrorKind::kRecipe, node.place, "only the first layer can be an Input");
    }
    if (i > 0 || !spec.inputs.empty()) {
      node.inputs = find_inputs(spec, node.place, nodes_, by_name, names);
    }
    infer(node, nodes_);
    sequential_ = sequential_ && (i == 0 || node.inputs == std::vector<std::size_t>{i - 1});
    by_name.emplace(node.name, i);
    nodes_.push_back(std::move(node));
  }
  check_input_shape(nodes_.front(), input);
  check_all_used(nodes_);
  check_output(nodes_.back());
}

std::int64_t Model::trainable_parameters() const {
  std::int64_t count = 0;
  for (const auto& node : nodes_) {
    for (const auto& parameter : node.parameters) {
      count += parameter.trainable ? parameter.size() : 0;
    }
  }
  return count;
}

std::int64_t Model::non_trainable_parameters() const {
  std::int64_t count = 0;
  for (const auto& node : nodes_) {
    for (const auto& parameter : node.parameters) {
      count += parameter.trainable ? 0 : parameter.size();
    }
  }
  return count;
}

std::int64_t Model::flop() const {
  std::int64_t count = 0;
  for (const auto& node : nodes_) {
    for (const auto& op : node.layer->lower(node.input_shapes)) {
      count += kernels::describe(op).flop;
    }
  }
  return count;
}

std::vector<LayerSpec> Model::specs() const {
  std::vector<LayerSpec> specs;
  for (std::size_t i = explicit_input_ ? 0 : 1; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    LayerSpec spec{std::string(node.layer->type()), node.name, {}, node.layer->options(), {}};
    if (i > 0 && node.inputs != std::vector<std::size_t>{i - 1}) {
      for (const std::size_t input : node.inputs) {
        spec.inputs.push_back(nodes_[input].name);
      }
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace lapel::model
