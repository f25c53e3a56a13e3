#include "plan/lowering.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "plan/operator_facts.h"

namespace lapel::plan {

namespace {

class Lowering {
 public:
  Lowering(const model::Model& model, bool training, float scale) : model_(model), scale_(scale) {
    program_.training = training;
  }

  Program run() {
    for (std::size_t i = 0; i < model_.nodes().size(); ++i) {
      lower_node(i);
    }
    program_.logits = node_values_.back();
    return std::move(program_);
  }

 private:
  void lower_node(std::size_t index) {
    const model::Node& node = model_.nodes()[index];
    program_.layer_names.push_back(node.name);
    std::vector<std::size_t> inputs;
    for (const std::size_t input : node.inputs) {
      inputs.push_back(node_values_[input]);
    }
    for (kernels::Op& op : node.layer->lower(node.input_shapes)) {
      set_up(op);
      if (is_identity(op, false) && !is_identity(op, true)) {
        program_.first_training_layer = std::min(program_.first_training_layer, index);
      }
      // The first operator with weights takes those of the layer; layers have one at most.
      const OperatorFacts facts = operator_facts(op);
      Instruction instruction{
          op, inputs, program_.add_value(facts.output), program_.parameters.size(), facts.weights.size(), index};
      if (instruction.parameters > 0) {
        for (const auto& spec : node.parameters) {
          program_.parameters.push_back({fmt::format("{}/{}", node.name, spec.name), spec, program_.parameters.size()});
        }
      }
      inputs = {instruction.output};
      program_.instructions.push_back(std::move(instruction));
    }
    node_values_.push_back(inputs.front());
  }

  /// What an operator knows of the whole model.
  void set_up(kernels::Op& op) {
    if (std::uint32_t* unit = kernels::random_unit(op)) {
      *unit = kernels::describe(op).is_augmentation ? augmentations_++ : dropouts_++;
    } else if (auto* input = std::get_if<kernels::InputOp>(&op)) {
      input->scale = scale_;
    }
  }

  const model::Model& model_;
  float scale_;
  Program program_;
  std::vector<std::size_t> node_values_;
  std::uint32_t dropouts_ = 0;
  std::uint32_t augmentations_ = 0;
};

}  // namespace

Program lower(const model::Model& model, bool training, float scale) { return Lowering(model, training, scale).run(); }

}  // namespace lapel::plan
