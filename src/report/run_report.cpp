#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

using Row = std::vector<std::string>;

std::string underlined(const std::string& title, char line) {
  return title + "\n" + std::string(report::text_width(title), line) + "\n\n";
}

/// The columns of validation are left out where there was none.
std::string history_table(std::span<const EpochResult> history) {
  const bool validated = std::any_of(history.begin(), history.end(), [](const EpochResult& result) {
    return result.val_accuracy.has_value() || result.val_loss.has_value();
  });
  const auto cell = [](const std::optional<double>& value) { return value ? report::metric(*value) : std::string(); };
  Row header{"Epoch", "accuracy", "loss"};
  if (validated) {
    header.insert(header.end(), {"val_accuracy", "val_loss"});
  }
  header.insert(header.end(), {"learning rate", "seconds"});
  std::vector<Row> rows;
  for (const EpochResult& result : history) {
    Row row{fmt::format("{}", result.epoch), report::metric(result.accuracy), report::metric(result.loss)};
    if (validated) {
      row.insert(row.end(), {cell(result.val_accuracy), cell(result.val_loss)});
    }
    row.insert(row.end(), {fmt::format("{:.4g}", result.learning_rate), fmt::format("{:.1f}", result.seconds)});
    rows.push_back(std::move(row));
  }
  return grid_table(header, rows);
}

std::string score_table(const RunRecord& record) {
  std::vector<Row> rows;
  const auto add = [&rows](std::string_view split, const std::optional<Score>& score) {
    if (score) {
      rows.push_back({std::string(split), fmt::format("{}", score->samples), fmt::format("{:.4f}", score->accuracy),
                      fmt::format("{:.4f}", score->loss)});
    }
  };
  add("train", record.train);
  add("validation", record.validation);
  add("test", record.test);
  return grid_table(Row{"Split", "pictures", "accuracy", "loss"}, rows);
}

std::string training_facts(const RunRecord& record) {
  return fmt::format("{} completed, {} in all; seed {}, precision {}\n", report::counted(record.epochs, "epoch"),
                     report::counted(record.steps, "step"), record.seed, record.precision);
}

/// Those that are not of the data alone.
Findings training_findings(const DataDescription& data, const RunRecord& record) {
  const auto first = static_cast<std::ptrdiff_t>(std::min(data.findings.size(), record.findings.size()));
  return {record.findings.begin() + first, record.findings.end()};
}

std::string machine_facts(const RunRecord& record) {
  return fmt::format("{} ({}), {}\nLapel {}, {}\nTraining with validation took {:.1f} seconds.\n", record.cpu,
                     record.isa, report::counted(record.threads, "thread"), record.lapel_version, record.onednn_version,
                     record.seconds);
}

}  // namespace

std::string run_report(const DataDescription& data, const Summary& summary, std::span<const EpochResult> history,
                       const RunRecord& record, const Evaluation* held_out) {
  std::string text = underlined("Run of " + record.name, '=');
  if (record.status != "complete") {
    text += fmt::format("This run is {}: what it had learned by then was measured and saved.\n\n", record.status);
  }
  text += underlined("Data", '-') + to_text(data) + "\n";
  text += underlined("Model", '-') + to_text(summary) + "\n";
  text += underlined("Training", '-') + training_facts(record) + to_text(training_findings(data, record)) + "\n" +
          history_table(history) + "\n";
  text += underlined("Results", '-') + score_table(record) + "\n";
  if (held_out != nullptr) {
    text += to_text(*held_out) + "\n";
    constexpr std::size_t kPairs = 10;
    if (const std::string pairs = confused_pairs(held_out->confusion, held_out->class_names, kPairs); !pairs.empty()) {
      text += fmt::format("Most confused pairs\n{}\n", pairs);
    }
  }
  return text + underlined("Machine", '-') + machine_facts(record);
}

}  // namespace lapel
