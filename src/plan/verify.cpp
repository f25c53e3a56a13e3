#include "plan/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lapel/error.h"
#include "plan/operator_facts.h"

namespace lapel::plan {

namespace {

class Check {
 public:
  explicit Check(const Program& program)
      : program_(program), defined_(program.value_sizes.size(), false), read_(program.value_sizes.size(), false) {}

  std::vector<std::string> run() {
    for (const Instruction& instruction : program_.instructions) {
      at_ = fmt::format("%{} = {}", instruction.output, kernels::describe(instruction.op).name);
      const OperatorFacts facts = operator_facts(instruction.op);
      check_inputs(instruction, facts);
      check_output(instruction, facts);
      check_parameters(instruction, facts);
      if (instruction.layer >= program_.layer_names.size()) {
        fault("comes from layer {} of {}", instruction.layer, program_.layer_names.size());
      }
    }
    check_values();
    if (next_parameter_ < program_.parameters.size()) {
      found_.push_back(fmt::format("nothing reads the parameter {}", program_.parameters[next_parameter_].name));
    }
    return std::move(found_);
  }

 private:
  void check_inputs(const Instruction& instruction, const OperatorFacts& facts) {
    if (instruction.inputs.size() != facts.inputs.size()) {
      fault("reads {} values, its operator takes {}", instruction.inputs.size(), facts.inputs.size());
    }
    for (std::size_t i = 0; i < instruction.inputs.size(); ++i) {
      const std::size_t value = instruction.inputs[i];
      if (value >= defined_.size() || !defined_[value]) {
        fault("reads %{}, which is not defined before it", value);
        continue;
      }
      read_[value] = true;
      if (i < facts.inputs.size() && program_.value_sizes[value] != facts.inputs[i]) {
        fault("reads %{} of {} numbers, its operator takes {}", value, program_.value_sizes[value], facts.inputs[i]);
      }
    }
  }

  void check_output(const Instruction& instruction, const OperatorFacts& facts) {
    const std::size_t value = instruction.output;
    if (value >= defined_.size()) {
      fault("gives a value that the program does not have");
      return;
    }
    if (defined_[value]) {
      fault("gives %{} a second time", value);
    }
    defined_[value] = true;
    if (program_.value_sizes[value] != facts.output) {
      fault("gives {} numbers, its value has {}", facts.output, program_.value_sizes[value]);
    }
  }

  void check_parameters(const Instruction& instruction, const OperatorFacts& facts) {
    if (instruction.parameters != facts.weights.size()) {
      fault("has {} parameters, its operator takes {}", instruction.parameters, facts.weights.size());
    }
    if (instruction.parameters > 0 && instruction.first_parameter != next_parameter_) {
      fault("has parameters from {} on, the next that nothing reads is {}", instruction.first_parameter,
            next_parameter_);
    }
    for (std::size_t i = 0; i < std::min(instruction.parameters, facts.weights.size()); ++i) {
      const std::size_t parameter = instruction.first_parameter + i;
      if (parameter >= program_.parameters.size()) {
        fault("reads parameter {} of {}", parameter, program_.parameters.size());
        break;
      }
      const layers::ParameterSpec& spec = program_.parameters[parameter].spec;
      if (spec.shape != facts.weights[i]) {
        fault("reads {} of shape {}, its operator takes {}", program_.parameters[parameter].name, spec.shape,
              facts.weights[i]);
      }
    }
    next_parameter_ += instruction.parameters;
  }

  void check_values() {
    if (program_.logits >= defined_.size() || !defined_[program_.logits]) {
      found_.push_back(fmt::format("the logits %{} are not defined", program_.logits));
    } else {
      read_[program_.logits] = true;
    }
    for (std::size_t value = 0; value < defined_.size(); ++value) {
      if (defined_[value] && !read_[value]) {
        found_.push_back(fmt::format("nothing reads %{}", value));
      } else if (!defined_[value] && program_.value_sizes[value] != 0) {
        found_.push_back(fmt::format("%{} has {} numbers, which nothing gives", value, program_.value_sizes[value]));
      }
    }
  }

  template <class... Facts>
  void fault(fmt::format_string<const Facts&...> text, const Facts&... facts) {
    found_.push_back(fmt::format("{}: {}", at_, fmt::format(text, facts...)));
  }

  const Program& program_;
  std::vector<bool> defined_;
  std::vector<bool> read_;
  std::size_t next_parameter_ = 0;
  std::string at_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> faults(const Program& program) { return Check(program).run(); }

void verify(const Program& program, std::string_view after) {
  const auto found = faults(program);
  if (!found.empty()) {
    throw Error(ErrorKind::kInternal, {}, fmt::format("a wrong program after {}", after),
                {{"faults", fmt::format("{}", fmt::join(found, "; "))}, {"program", to_text(program)}});
  }
}

}  // namespace lapel::plan
