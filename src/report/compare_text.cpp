#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

constexpr double kOverfitted = 0.05;
constexpr double kLittleOverfitted = 0.02;
constexpr double kUnderfitted = 0.85;
constexpr double kMegabyte = 1e6;

std::optional<double> accuracy_of(const std::optional<Score>& score) {
  return score ? std::optional(score->accuracy) : std::nullopt;
}

/// What the gap between training pictures and others says, and on how many.
std::string fit_of(const RunRecord& record) {
  const bool validated = record.validation.has_value();
  const auto& held_out = validated ? record.validation : record.test;
  if (!record.train || !held_out) {
    return "-";
  }
  const double gap = record.train->accuracy - held_out->accuracy;
  const std::string on =
      fmt::format("gap {:.3f}, {} {}", gap, report::grouped(held_out->samples), validated ? "validation" : "test");
  if (gap > kOverfitted) {
    return fmt::format("overfitted ({})", on);
  }
  if (gap > kLittleOverfitted) {
    return fmt::format("a little overfitted ({})", on);
  }
  return record.train->accuracy < kUnderfitted
             ? fmt::format("underfitted (train {:.3f}, {})", record.train->accuracy, on)
             : fmt::format("balanced ({})", on);
}

/// A column: its name, how its numbers are written, and where they come from.
struct RunColumn {
  std::string_view name;
  std::string_view key;
  int digits;
  std::function<std::optional<double>(const RunSummary&)> number;
};

const std::vector<RunColumn>& run_columns() {
  static const std::vector<RunColumn> kRunColumns = {
      {"parameters", "parameters", 0, [](const RunSummary& run) { return static_cast<double>(run.record.parameters); }},
      {"MB", "model_bytes", 2,
       [](const RunSummary& run) {
         return run.model_bytes > 0 ? std::optional(static_cast<double>(run.model_bytes)) : std::nullopt;
       }},
      {"ms a picture", "latency_seconds", 3, [](const RunSummary& run) { return run.latency; }},
      {"epochs", "epochs", 0, [](const RunSummary& run) { return static_cast<double>(run.record.epochs); }},
      {"seconds", "seconds", 1, [](const RunSummary& run) { return run.record.seconds; }},
      {"train", "train_accuracy", 4, [](const RunSummary& run) { return accuracy_of(run.record.train); }},
      {"validation", "validation_accuracy", 4,
       [](const RunSummary& run) { return accuracy_of(run.record.validation); }},
      {"test", "test_accuracy", 4, [](const RunSummary& run) { return accuracy_of(run.record.test); }},
      {"test loss", "test_loss", 4,
       [](const RunSummary& run) { return run.record.test ? std::optional(run.record.test->loss) : std::nullopt; }},
      {"macro F1", "macro_f1", 4, [](const RunSummary& run) { return run.record.macro_f1; }},
  };
  return kRunColumns;
}

/// In the unit of the table.
double in_unit(const RunColumn& column, double number) {
  constexpr double kMilliseconds = 1e3;
  return column.key == "model_bytes"       ? number / kMegabyte
         : column.key == "latency_seconds" ? number * kMilliseconds
                                           : number;
}

std::string run_cell(const RunColumn& column, const std::optional<double>& number) {
  if (!number) {
    return "-";
  }
  return column.digits == 0 ? report::grouped(static_cast<std::int64_t>(*number))
                            : fmt::format("{:.{}f}", in_unit(column, *number), column.digits);
}

std::string name_of(const RunSummary& run) {
  const std::string folder = run.folder.filename().string();
  return run.record.status == "complete" ? folder : fmt::format("{} ({})", folder, run.record.status);
}

Row run_header(std::string_view first) {
  Row row{std::string(first)};
  for (const RunColumn& column : run_columns()) {
    row.emplace_back(column.name);
  }
  return row;
}

/// Runs of one recipe that differ in the seed alone, two at least.
std::vector<std::vector<const RunSummary*>> repeated(std::span<const RunSummary> runs) {
  std::map<std::string, std::vector<const RunSummary*>> groups;
  for (const RunSummary& run : runs) {
    if (!run.settings.empty()) {
      groups[run.settings].push_back(&run);
    }
  }
  std::vector<std::vector<const RunSummary*>> result;
  for (auto& [settings, group] : groups) {
    if (group.size() > 1) {
      result.push_back(std::move(group));
    }
  }
  return result;
}

/// Mean and standard deviation (of a sample) of those that have the number.
struct Spread {
  std::size_t count = 0;
  double mean = 0;
  double deviation = 0;
};

Spread spread_of(const std::vector<const RunSummary*>& group, const RunColumn& column) {
  Spread result;
  std::vector<double> numbers;
  for (const RunSummary* run : group) {
    if (const auto number = column.number(*run)) {
      numbers.push_back(*number);
      result.mean += *number;
    }
  }
  result.count = numbers.size();
  result.mean /= numbers.empty() ? 1 : static_cast<double>(numbers.size());
  for (const double number : numbers) {
    result.deviation += (number - result.mean) * (number - result.mean);
  }
  result.deviation = numbers.size() > 1 ? std::sqrt(result.deviation / static_cast<double>(numbers.size() - 1)) : 0;
  return result;
}

std::string spread_cell(const RunColumn& column, const Spread& spread) {
  if (spread.count == 0) {
    return "-";
  }
  return spread.deviation == 0 ? run_cell(column, spread.mean)
                               : fmt::format("{:.{}f} ± {:.{}f}", in_unit(column, spread.mean), column.digits,
                                             in_unit(column, spread.deviation), column.digits);
}

/// The tables of a comparison: all runs; and the means of those that differ in the seed alone.
struct Tables {
  Row head;
  std::vector<Row> runs;
  Row mean_head;
  std::vector<Row> means;
};

Tables tables_of(std::span<const RunSummary> runs) {
  Tables tables{run_header("Run"), {}, run_header("Recipe"), {}};
  tables.head.emplace_back("fit");
  for (const RunSummary& run : runs) {
    Row row{name_of(run)};
    for (const RunColumn& column : run_columns()) {
      row.push_back(run_cell(column, column.number(run)));
    }
    row.push_back(fit_of(run.record));
    tables.runs.push_back(std::move(row));
  }
  for (const auto& group : repeated(runs)) {
    Row row{fmt::format("{}, {} seeds", group.front()->record.name, group.size())};
    for (const RunColumn& column : run_columns()) {
      row.push_back(spread_cell(column, spread_of(group, column)));
    }
    tables.means.push_back(std::move(row));
  }
  return tables;
}

constexpr std::string_view kMeans = "Mean ± standard deviation of runs that differ in their seed alone";

std::string csv_cell(std::string text) {
  if (text.find_first_of(",\"\n") == std::string::npos) {
    return text;
  }
  for (std::size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2)) {
    text.insert(at, 1, '"');
  }
  return '"' + text + '"';
}

std::string html_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return result;
}

std::string html_table(const Row& head, const std::vector<Row>& rows) {
  std::string text = "<table>\n<tr>";
  for (const std::string& name : head) {
    text += fmt::format("<th>{}</th>", html_text(name));
  }
  text += "</tr>\n";
  for (const Row& row : rows) {
    text += "<tr>";
    for (const std::string& one : row) {
      text += fmt::format("<td>{}</td>", html_text(one));
    }
    text += "</tr>\n";
  }
  return text + "</table>\n";
}

}  // namespace

std::string to_text(std::span<const RunSummary> runs) {
  const Tables tables = tables_of(runs);
  std::string text = grid_table(tables.head, tables.runs);
  if (!tables.means.empty()) {
    text += fmt::format("\n{}\n{}", kMeans, grid_table(tables.mean_head, tables.means));
  }
  return text;
}

std::string to_json(std::span<const RunSummary> runs) {
  Json list = Json::array();
  for (const RunSummary& run : runs) {
    Json one = {{"run", run.folder.string()},
                {"name", run.record.name},
                {"status", run.record.status},
                {"seed", run.record.seed}};
    for (const RunColumn& column : run_columns()) {
      const auto number = column.number(run);
      one[std::string(column.key)] = number ? Json(*number) : Json(nullptr);
    }
    one["fit"] = fit_of(run.record);
    list.push_back(std::move(one));
  }
  Json means = Json::array();
  for (const auto& group : repeated(runs)) {
    Json one = {{"name", group.front()->record.name}, {"runs", group.size()}};
    for (const RunColumn& column : run_columns()) {
      const Spread spread = spread_of(group, column);
      one[std::string(column.key)] =
          spread.count == 0 ? Json(nullptr) : Json{{"mean", spread.mean}, {"deviation", spread.deviation}};
    }
    means.push_back(std::move(one));
  }
  return Json{{"runs", std::move(list)}, {"means", std::move(means)}}.dump(2, ' ', false,
                                                                           Json::error_handler_t::replace) +
         "\n";
}

std::string to_csv(std::span<const RunSummary> runs) {
  std::string text = "run,name,status,seed";
  for (const RunColumn& column : run_columns()) {
    text += fmt::format(",{}", column.key);
  }
  text += ",fit\n";
  for (const RunSummary& run : runs) {
    text += fmt::format("{},{},{},{}", csv_cell(run.folder.string()), csv_cell(run.record.name), run.record.status,
                        run.record.seed);
    for (const RunColumn& column : run_columns()) {
      const auto number = column.number(run);
      text += number ? fmt::format(",{}", *number) : ",";
    }
    text += fmt::format(",{}\n", csv_cell(fit_of(run.record)));
  }
  return text;
}

std::string to_html(std::span<const RunSummary> runs) {
  const Tables tables = tables_of(runs);
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Runs</title>\n<style>\n"
      "body { font-family: sans-serif; margin: 2em; }\ntable { border-collapse: collapse; margin-bottom: 2em; }\n"
      "th, td { border: 1px solid #ccc; padding: 0.3em 0.6em; text-align: right; }\n"
      "th:first-child, td:first-child { text-align: left; }\n</style>\n</head>\n<body>\n<h1>Runs</h1>\n";
  text += html_table(tables.head, tables.runs);
  if (!tables.means.empty()) {
    text += fmt::format("<h2>{}</h2>\n", kMeans) + html_table(tables.mean_head, tables.means);
  }
  return text + "</body>\n</html>\n";
}

}  // namespace lapel
