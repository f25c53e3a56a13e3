#include "model/ensemble.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace lapel::model {

namespace {

/// Layers at the front that every member would have alike: the input, and those that change pictures.
std::size_t shared_layers(const Model& member) {
  std::size_t count = 1;
  while (count < member.nodes().size() && member.nodes()[count].layer->before_weights()) {
    ++count;
  }
  return count;
}

/// The layer of a node as it can be given again, but for its inputs; the last one gives logits.
LayerSpec layer_of(const Node& node, bool last) {
  LayerSpec layer{std::string(node.layer->type()), node.name, {}, node.layer->options(), {}};
  const auto activation = layer.options.find("activation");
  if (last && activation != layer.options.end() && activation->second == OptionValue{std::string("softmax")}) {
    activation->second = std::string("linear");
  }
  return layer;
}

}  // namespace

Model ensemble_of(const Model& member, std::int64_t members) {
  if (members <= 1) {
    return member;
  }
  const auto nodes = member.nodes();
  const std::size_t shared = shared_layers(member);
  std::vector<LayerSpec> layers;
  for (std::size_t node = 0; node < shared; ++node) {
    layers.push_back(layer_of(nodes[node], false));
  }
  std::vector<std::string> ends;
  for (std::int64_t number = 1; number <= members; ++number) {
    const auto name_of = [&](std::size_t node) {
      return node < shared ? nodes[node].name : fmt::format("member_{}_{}", number, nodes[node].name);
    };
    for (std::size_t node = shared; node < nodes.size(); ++node) {
      LayerSpec layer = layer_of(nodes[node], node + 1 == nodes.size());
      layer.name = name_of(node);
      for (const std::size_t input : nodes[node].inputs) {
        layer.inputs.push_back(name_of(input));
      }
      layers.push_back(std::move(layer));
    }
    ends.push_back(layers.back().name);
  }
  layers.push_back({"Average", "mean_of_members", std::move(ends)});
  layers.push_back({"Activation", "softmax", {}, {{"activation", std::string("softmax")}}});
  return {member.name(), layers, member.input_shape()};
}

}  // namespace lapel::model
