#include "plan/memory_plan.h"

#include <algorithm>
#include <utility>

namespace lapel::plan {

MemoryPlan::MemoryPlan(const Program& program, const GradientFlow& flow, std::span<const OperatorMemory> operators,
                       std::size_t number_bytes, std::size_t sum_scratch)
    : totals_(program.value_sizes.size(), kNone),
      parts_(program.value_sizes.size()),
      input_gradients_(program.instructions.size()) {
  for (const std::int64_t size : program.value_sizes) {
    values_.push_back(add(static_cast<std::size_t>(size) * number_bytes));
  }
  std::size_t scratch_bytes = sum_scratch;
  for (const OperatorMemory& one : operators) {
    saved_.push_back(add(one.saved));
    scratch_bytes = std::max(scratch_bytes, one.scratch);
  }
  if (program.training) {
    make_gradients(program, flow, number_bytes);
  }
  scratch_ = add(scratch_bytes);

  live_forward(program);
  live_backward(program, flow, operators);
  touch(scratch_, 0);
  touch(scratch_, 2 * program.instructions.size());
  Placement map = place(pieces_);
  offsets_ = std::move(map.offsets);
  bytes_ = map.bytes;
}

std::vector<std::size_t> MemoryPlan::gradient_parts(std::size_t value) const {
  std::vector<std::size_t> result;
  for (const std::size_t piece : parts_[value]) {
    result.push_back(offsets_[piece]);
  }
  return result;
}

std::vector<std::size_t> MemoryPlan::input_gradients(std::size_t instruction) const {
  std::vector<std::size_t> result;
  for (const std::size_t piece : input_gradients_[instruction]) {
    result.push_back(piece == kNone ? kNone : offsets_[piece]);
  }
  return result;
}

std::size_t MemoryPlan::add(std::size_t bytes) {
  pieces_.push_back({bytes, kNone, 0});
  return pieces_.size() - 1;
}

void MemoryPlan::make_gradients(const Program& program, const GradientFlow& flow, std::size_t number_bytes) {
  const auto bytes_of = [&](std::size_t value) {
    return static_cast<std::size_t>(program.value_sizes[value]) * number_bytes;
  };
  loss_gradient_ = add(bytes_of(program.logits));
  parts_[program.logits].push_back(loss_gradient_);
  for (std::size_t i = program.instructions.size(); i-- > 0;) {
    if (!flow.backward[i]) {
      continue;
    }
    // All who read the output come after it, so that its parts are known.
    const Instruction& instruction = program.instructions[i];
    const std::size_t output = instruction.output;
    totals_[output] = parts_[output].size() == 1 ? parts_[output].front() : add(bytes_of(output));
    for (const std::size_t input : instruction.inputs) {
      if (!flow.has_gradient[input]) {
        input_gradients_[i].push_back(kNone);
        continue;
      }
      const std::size_t part = passes_gradient_on(instruction) ? totals_[output] : add(bytes_of(input));
      input_gradients_[i].push_back(part);
      parts_[input].push_back(part);
    }
  }
}

void MemoryPlan::touch(std::size_t piece, std::size_t moment) {
  pieces_[piece].first = std::min(pieces_[piece].first, moment);
  pieces_[piece].last = std::max(pieces_[piece].last, moment);
}

void MemoryPlan::live_forward(const Program& program) {
  const std::size_t loss = program.instructions.size();
  touch(values_[program.logits], loss);
  if (loss_gradient_ != kNone) {
    touch(loss_gradient_, loss);
  }
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction& instruction = program.instructions[i];
    touch(saved_[i], i);
    touch(values_[instruction.output], i);
    for (const std::size_t input : instruction.inputs) {
      touch(values_[input], i);
    }
  }
}

void MemoryPlan::live_backward(const Program& program, const GradientFlow& flow,
                               std::span<const OperatorMemory> operators) {
  for (std::size_t i = 0; i < program.instructions.size(); ++i) {
    if (!flow.backward[i]) {
      continue;
    }
    const Instruction& instruction = program.instructions[i];
    const std::size_t moment = 2 * program.instructions.size() - i;
    touch(saved_[i], moment);
    if (operators[i].backward_reads_output) {
      touch(values_[instruction.output], moment);
    }
    for (const std::size_t input : instruction.inputs) {
      if (operators[i].backward_reads_inputs) {
        touch(values_[input], moment);
      }
    }
    touch(totals_[instruction.output], moment);
    for (const std::size_t part : parts_[instruction.output]) {
      touch(part, moment);
    }
    for (const std::size_t gradient : input_gradients_[i]) {
      if (gradient != kNone) {
        touch(gradient, moment);
      }
    }
  }
}

}  // namespace lapel::plan
