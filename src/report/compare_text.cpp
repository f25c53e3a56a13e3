#include <fmt/format.h>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

constexpr double kOverfitted = 0.05;
constexpr double kLittleOverfitted = 0.02;
constexpr double kUnderfitted = 0.85;

std::string accuracy(const std::optional<Score>& score) {
  return score ? fmt::format("{:.4f}", score->accuracy) : std::string("-");
}

std::string verdict(const RunRecord& record) {
  const auto& held_out = record.validation ? record.validation : record.test;
  if (!record.train || !held_out) {
    return "-";
  }
  const double gap = record.train->accuracy - held_out->accuracy;
  if (gap > kOverfitted) {
    return fmt::format("overfitted (gap {:.3f})", gap);
  }
  if (gap > kLittleOverfitted) {
    return fmt::format("a little overfitted (gap {:.3f})", gap);
  }
  return record.train->accuracy < kUnderfitted ? fmt::format("underfitted (train {:.3f})", record.train->accuracy)
                                               : fmt::format("balanced (gap {:.3f})", gap);
}

}  // namespace

std::string to_text(std::span<const RunSummary> runs) {
  const std::vector<std::string> header = {"Run",        "parameters", "epochs",    "seconds", "train",
                                           "validation", "test",       "test loss", "fit"};
  std::vector<std::vector<std::string>> rows;
  for (const RunSummary& run : runs) {
    const RunRecord& record = run.record;
    rows.push_back({record.status == "complete" ? run.folder.filename().string()
                                                : fmt::format("{} ({})", run.folder.filename().string(), record.status),
                    report::grouped(record.parameters), fmt::format("{}", record.epochs),
                    fmt::format("{:.1f}", record.seconds), accuracy(record.train), accuracy(record.validation),
                    accuracy(record.test), record.test ? fmt::format("{:.4f}", record.test->loss) : "-",
                    verdict(record)});
  }
  return grid_table(header, rows);
}

}  // namespace lapel
