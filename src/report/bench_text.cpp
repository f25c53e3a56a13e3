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

}  // namespace

std::string to_text(const BenchResult& result) {
  return fmt::format("{}: {} parameters, batch {}, {}, {}\n{} ({}), {}\n\n", result.recipe,
                     report::grouped(result.parameters), result.batch, result.precision,
                     report::counted(result.threads, "thread"), result.cpu, result.isa, result.onednn_version) +
         step_text(result) + memory_text(result.memory) +
         fmt::format("Set-up: data set {} (at most {} resident for it), plan {}\n",
                     time_text(result.load_seconds * 1e3), megabytes(result.memory.loading_peak),
                     time_text(result.plan_seconds * 1e3));
}

}  // namespace lapel
