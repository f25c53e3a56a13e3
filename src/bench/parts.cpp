#include "bench/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bench/machine.h"
#include "bench/statistics.h"
#include "plan/step_observer.h"

namespace lapel::measuring {

namespace {

/// Which part of a step a moment ends.
struct Mark {
  plan::StepPart part;
  std::size_t instruction;
};

constexpr std::int64_t kMostSteps = 2'000;
constexpr std::size_t kTracedSteps = 20;

/// Writes down when each part of a step ends. The parts come in the same order in every step.
class Recorder : public plan::StepObserver, public StepEnd {
 public:
  void on_begin() override {
    row_.clear();
    marks_.clear();
    row_.push_back(Clock::now());
  }
  void on_part(plan::StepPart part, std::size_t instruction) override {
    row_.push_back(Clock::now());
    marks_.push_back({part, instruction});
  }
  void on_end(bool taken) override {
    row_.push_back(Clock::now());
    if (taken) {
      rows_.push_back(row_);
    }
  }

  [[nodiscard]] const std::vector<Mark>& marks() const { return marks_; }
  /// For each step the beginning, then the end of each mark's part, then the end of the step.
  [[nodiscard]] const std::vector<std::vector<Clock::time_point>>& rows() const { return rows_; }

 private:
  std::vector<Mark> marks_;
  std::vector<Clock::time_point> row_;
  std::vector<std::vector<Clock::time_point>> rows_;
};

/// What the plan's loss reads and writes: logits and their gradient, or probabilities.
std::int64_t loss_bytes(const Work& work) {
  const std::int64_t numbers = work.batch * work.network.model().outputs();
  const auto number = static_cast<std::int64_t>(kernels::dtype_bytes(work.network.options().dtype));
  const auto written = work.mode == BenchMode::kTrain ? number : static_cast<std::int64_t>(sizeof(float));
  return numbers * (number + written);
}

/// The part that ends with `mark`, without its time.
BenchPart part_of(const Mark& mark, const std::vector<plan::InstructionInfo>& instructions, const Work& work) {
  BenchPart part;
  if (mark.part == plan::StepPart::kLoss) {
    part.op = work.mode == BenchMode::kTrain ? "loss" : "softmax";
    part.bytes = loss_bytes(work);
    return part;
  }
  const auto& instruction = instructions[mark.instruction];
  part.layer = instruction.layer;
  part.op = instruction.op;
  if (mark.part == plan::StepPart::kUpdate) {
    part.pass = "update";
    part.bytes = instruction.update_bytes;
    return part;
  }
  const bool forward = mark.part == plan::StepPart::kForward;
  part.pass = forward ? "forward" : "backward";
  part.implementation = instruction.implementation;
  part.flop = forward ? instruction.flop : instruction.backward_flop;
  part.bytes = forward ? instruction.bytes : instruction.backward_bytes;
  return part;
}

double microseconds(Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

std::string name_of(const BenchPart& part) {
  return part.layer.empty() ? part.op : fmt::format("{} ({}) {}", part.layer, part.op, part.pass);
}

void add_events(MeasuredParts& measured, const std::vector<std::vector<Clock::time_point>>& rows) {
  const std::size_t first = rows.size() - std::min(rows.size(), kTracedSteps);
  for (std::size_t row = first; row < rows.size(); ++row) {
    const auto& times = rows[row];
    const auto since = [&](Clock::time_point time) { return microseconds(time - rows[first].front()); };
    measured.steps.push_back(
        {fmt::format("step {}", row - first + 1), since(times.front()), microseconds(times.back() - times.front())});
    for (std::size_t i = 0; i < measured.parts.size(); ++i) {
      measured.events.push_back({name_of(measured.parts[i]), since(times[i]), microseconds(times[i + 1] - times[i])});
    }
  }
}

}  // namespace

MeasuredParts time_parts(const Work& work) {
  Recorder recorder;
  auto& plan = work.network.plan(work.batch, work.mode == BenchMode::kTrain);
  Stopwatch watch(work.steps, kMostSteps);
  plan.observe(&recorder);
  run_steps(work, watch, &recorder);
  plan.observe(nullptr);

  MeasuredParts measured;
  const auto instructions = plan.instructions();
  for (const Mark& mark : recorder.marks()) {
    measured.parts.push_back(part_of(mark, instructions, work));
  }
  measured.parts.emplace_back();
  measured.parts.back().op = "loop";
  for (std::size_t i = 0; i < measured.parts.size(); ++i) {
    std::vector<double> samples;
    for (const auto& row : recorder.rows()) {
      samples.push_back(microseconds(row[i + 1] - row[i]) / 1e3);
    }
    measured.parts[i].ms = statistics(std::move(samples)).median;
  }
  add_events(measured, recorder.rows());
  return measured;
}

BenchParts with_limits(std::vector<BenchPart> parts, const MachineLimits& machine, std::int64_t working_set,
                       bool bfloat16) {
  BenchParts result;
  result.machine = machine;
  result.working_set = working_set;
  // Where the CPU multiplies no bfloat16, floats are multiplied.
  result.gflops = bfloat16 && machine.bfloat16_gflops > 0 ? machine.bfloat16_gflops : machine.float32_gflops;
  result.gigabytes_per_second = bandwidth_at(machine, working_set);
  for (BenchPart& part : parts) {
    const double arithmetic = static_cast<double>(part.flop) / (result.gflops * 1e6);
    const double memory = static_cast<double>(part.bytes) / (result.gigabytes_per_second * 1e6);
    part.limit_ms = std::max(arithmetic, memory);
    part.by_memory = memory > arithmetic;
    result.ms += part.ms;
    result.limit_ms += part.limit_ms;
  }
  std::stable_sort(parts.begin(), parts.end(), [](const BenchPart& left, const BenchPart& right) {
    return left.ms - left.limit_ms > right.ms - right.limit_ms;
  });
  result.parts = std::move(parts);
  return result;
}

}  // namespace lapel::measuring
