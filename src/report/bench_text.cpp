#include <fmt/format.h>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

constexpr double kMega = 1e6;

/// With four significant digits, in the unit that suits it.
std::string time_text(double milliseconds) {
  return milliseconds < 1 ? fmt::format("{:.4g} us", milliseconds * 1e3) : fmt::format("{:.4g} ms", milliseconds);
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / kMega); }

std::string step_text(const BenchResult& result) {
  const TimeStatistics& step = result.step;
  return fmt::format(
      "One {} of {}: {} (median of {}; least {}, quartiles {} and {})\n"
      "  {:.3f} GFLOP, {:.1f} GFLOP/s sustained\n",
      result.mode == BenchMode::kTrain ? "training step" : "prediction", report::counted(result.batch, "picture"),
      time_text(step.median), report::grouped(step.count), time_text(step.min), time_text(step.q1), time_text(step.q3),
      static_cast<double>(result.flop) / 1e9, result.gflops);
}

std::string memory_text(const BenchMemory& memory) {
  const std::int64_t known = memory.parameters + memory.gradients + memory.optimizer_state + memory.activations;
  return fmt::format("Memory: parameters {}, gradients {}, optimizer state {}, activations {}: {}\n",
                     megabytes(memory.parameters), megabytes(memory.gradients), megabytes(memory.optimizer_state),
                     megabytes(memory.activations), megabytes(known)) +
         fmt::format(
             "  resident at most {}, of which program {}, data set {}; the rest, {}, is {:.2f} times the above\n",
             megabytes(memory.peak), megabytes(memory.program), megabytes(memory.data_set),
             megabytes(memory.peak - memory.program - memory.data_set), memory.ratio);
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::int64_t kKilo = 1024;
  return bytes < kKilo * kKilo ? fmt::format("{} KiB", bytes / kKilo) : fmt::format("{} MiB", bytes / kKilo / kKilo);
}

std::string limits_text(const MachineLimits& machine) {
  std::string text = fmt::format(
      "Limits of the machine: float32 {:.0f} GFLOP/s, bfloat16 {}; update in place", machine.float32_gflops,
      machine.bfloat16_gflops > 0 ? fmt::format("{:.0f} GFLOP/s", machine.bfloat16_gflops) : std::string("none"));
  for (const auto& [bytes, rate] : machine.bandwidth) {
    text += fmt::format("{} {:.0f} GB/s at {}", bytes == machine.bandwidth.front().bytes ? "" : ",", rate,
                        bytes_text(bytes));
  }
  return text + "\n";
}

std::string percent(double share) { return fmt::format("{:.0f}%", 100 * share); }

/// `-` for none.
std::string rate(double amount, double ms) { return amount > 0 ? fmt::format("{:.0f}", amount / (ms * 1e6)) : "-"; }

std::vector<std::string> row_of(const BenchPart& part) {
  return {part.layer.empty() ? part.op : fmt::format("{} ({})", part.layer, part.op),
          part.pass,
          fmt::format("{:.4f}", part.ms),
          fmt::format("{:.4f}", part.ms - part.limit_ms),
          part.ms > 0 ? percent(part.limit_ms / part.ms) : "-",
          part.by_memory ? "memory" : "arithmetic",
          rate(static_cast<double>(part.flop), part.ms),
          rate(static_cast<double>(part.bytes), part.ms),
          part.implementation};
}

std::string parts_text(const BenchParts& parts, double step_ms) {
  const std::vector<std::string> header = {"part",       "pass",    "ms",   "lost ms",       "of limit",
                                           "limited by", "GFLOP/s", "GB/s", "implementation"};
  std::vector<std::vector<std::string>> rows;
  for (const BenchPart& part : parts.parts) {
    rows.push_back(row_of(part));
  }
  rows.push_back({"all", "", fmt::format("{:.4f}", parts.ms), fmt::format("{:.4f}", parts.ms - parts.limit_ms),
                  percent(parts.limit_ms / parts.ms), "", "", "", ""});
  return limits_text(parts.machine) +
         fmt::format("Working set {}: limits are those of {:.0f} GFLOP/s and {:.0f} GB/s\n\n",
                     megabytes(parts.working_set), parts.gflops, parts.gigabytes_per_second) +
         grid_table(header, rows) +
         fmt::format("\nThe whole step is at {} of the limit of its parts, {}.\n", percent(parts.limit_ms / step_ms),
                     time_text(parts.limit_ms));
}

}  // namespace

std::string to_text(const MachineLimits& machine) {
  return fmt::format("{} ({}), {}, {}\n{}", machine.cpu, machine.isa, report::counted(machine.threads, "thread"),
                     machine.onednn_version, limits_text(machine));
}

std::string to_text(const BenchResult& result) {
  const std::string folded = result.folded_parameters == 0
                                 ? ""
                                 : fmt::format(" ({} more, of normalizations, are folded into them)",
                                               report::grouped(result.folded_parameters));
  std::string text =
      fmt::format("{}: {} parameters{}, batch {}, {}, {}\n{} ({}), {}\n\n", result.recipe,
                  report::grouped(result.parameters), folded, result.batch, result.precision,
                  report::counted(result.threads, "thread"), result.cpu, result.isa, result.onednn_version) +
      step_text(result) + memory_text(result.memory) +
      fmt::format("Set-up: data set {} (at most {} resident for it), plan {}\n", time_text(result.load_seconds * 1e3),
                  megabytes(result.memory.loading_peak), time_text(result.plan_seconds * 1e3));
  return result.parts ? text + parts_text(*result.parts, result.step.median) : text;
}

}  // namespace lapel
