#include <utility>

#include "model/model.h"

namespace lapel::model {

namespace {

SummaryRow summary_row(const Node& node, std::span<const Node> nodes) {
  SummaryRow row;
  row.name = node.name;
  row.type = node.inputs.empty() ? "InputLayer" : std::string(node.layer->type());
  row.output_shape = node.output_shape.keras();
  for (const auto& parameter : node.parameters) {
    row.parameters += parameter.size();
  }
  for (const std::size_t input : node.inputs) {
    row.connected_to.push_back(nodes[input].name);
  }
  return row;
}

}  // namespace

Summary summarize(const Model& model) {
  Summary summary;
  summary.name = model.name();
  summary.sequential = model.sequential();
  for (const auto& node : model.nodes().subspan(model.sequential() ? 1 : 0)) {
    summary.rows.push_back(summary_row(node, model.nodes()));
  }
  summary.trainable = model.trainable_parameters();
  summary.non_trainable = model.non_trainable_parameters();
  summary.flop = model.flop();
  return summary;
}

}  // namespace lapel::model
