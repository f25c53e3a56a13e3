#include "plan/program.h"

#include <algorithm>
#include <utility>

namespace lapel::plan {

std::size_t Program::add_value(std::int64_t size) {
  value_sizes.push_back(size);
  return value_sizes.size() - 1;
}

std::size_t Program::readers(std::size_t value) const {
  std::size_t count = value == logits ? 1 : 0;
  for (const Instruction& instruction : instructions) {
    count += static_cast<std::size_t>(std::count(instruction.inputs.begin(), instruction.inputs.end(), value));
  }
  return count;
}

std::size_t Program::writer(std::size_t value) const {
  const auto found = std::find_if(instructions.begin(), instructions.end(),
                                  [&](const Instruction& instruction) { return instruction.output == value; });
  return found == instructions.end() ? kNone : static_cast<std::size_t>(found - instructions.begin());
}

Instruction* Program::sole_producer(const Instruction& instruction) {
  if (instruction.inputs.empty() || readers(instruction.inputs.front()) != 1) {
    return nullptr;
  }
  return &instructions[writer(instruction.inputs.front())];
}

bool Program::depends_on_weights(std::size_t value) const {
  const Instruction& instruction = instructions[writer(value)];
  return instruction.parameters > 0 || std::any_of(instruction.inputs.begin(), instruction.inputs.end(),
                                                   [&](std::size_t input) { return depends_on_weights(input); });
}

void Program::bypass(std::size_t position) {
  const std::size_t output = instructions[position].output;
  const std::size_t input = instructions[position].inputs.front();
  for (Instruction& reader : instructions) {
    std::replace(reader.inputs.begin(), reader.inputs.end(), output, input);
  }
  logits = logits == output ? input : logits;
  value_sizes[output] = 0;
  instructions.erase(instructions.begin() + static_cast<std::ptrdiff_t>(position));
}

void Program::join_into_producer(Instruction& producer, std::size_t position) {
  value_sizes[producer.output] = 0;
  producer.output = instructions[position].output;
  instructions.erase(instructions.begin() + static_cast<std::ptrdiff_t>(position));
}

void Program::join_into_consumer(const Instruction& producer, Instruction& consumer) {
  value_sizes[producer.output] = 0;
  consumer.inputs = producer.inputs;
  if (producer.parameters > 0) {
    consumer.first_parameter = producer.first_parameter;
    consumer.parameters += producer.parameters;
  }
  instructions.erase(instructions.begin() + (&producer - instructions.data()));
}

void Program::insert_parameter(std::size_t position, const Parameter& parameter) {
  parameters.insert(parameters.begin() + static_cast<std::ptrdiff_t>(position), parameter);
  for (Instruction& instruction : instructions) {
    instruction.first_parameter += instruction.first_parameter >= position ? 1 : 0;
  }
}

void Program::erase_parameters(std::size_t first, std::size_t count) {
  const auto begin = parameters.begin() + static_cast<std::ptrdiff_t>(first);
  parameters.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
  for (Instruction& instruction : instructions) {
    instruction.first_parameter -= instruction.first_parameter >= first + count ? count : 0;
  }
}

bool weights_adjoin(const Instruction& first, const Instruction& second) {
  return first.first_parameter + first.parameters == second.first_parameter;
}

}  // namespace lapel::plan
