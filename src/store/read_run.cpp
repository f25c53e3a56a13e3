#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <system_error>

#include "formats/bytes.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "store/run_folder.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const fs::path& file, std::string problem) {
  throw Error(ErrorKind::kData, file.string(), std::move(problem), {}, "a run folder that `lapel train` made");
}

std::optional<Score> score_of(const Json& json) {
  if (json.is_null()) {
    return std::nullopt;
  }
  return Score{json.at("accuracy").get<double>(), json.at("loss").get<double>(),
               json.at("samples").get<std::int64_t>()};
}

/// Nothing where older runs have no such number.
std::optional<double> number_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? std::nullopt : std::optional(found->get<double>());
}

RunRecord read_metrics(const fs::path& file) {
  const std::string text = formats::read_text_file(file);
  try {
    const Json json = Json::parse(text);
    RunRecord record;
    record.name = json.at("name").get<std::string>();
    record.status = json.at("status").get<std::string>();
    record.train = score_of(json.at("train"));
    record.validation = score_of(json.at("val"));
    record.test = score_of(json.at("test"));
    record.macro_f1 = number_at(json, "macro_f1");
    record.balanced_accuracy = number_at(json, "balanced_accuracy");
    record.top_3_accuracy = number_at(json, "top_3_accuracy");
    record.epochs = json.at("epochs").get<std::int64_t>();
    record.steps = json.at("steps").get<std::int64_t>();
    record.parameters = json.at("parameters").get<std::int64_t>();
    record.seconds = json.at("seconds").get<double>();
    record.seed = json.at("seed").get<std::int64_t>();
    record.threads = json.at("threads").get<int>();
    record.precision = json.at("precision").get<std::string>();
    record.test_time_augmentation = json.value("test_time_augmentation", "none");
    return record;
  } catch (const Json::exception& problem) {
    refuse(file, fmt::format("is not what a training wrote there: {}", problem.what()));
  }
}

/// The lines of a run's recipe but for the seed; nothing where there is none.
std::string recipe_without_seed(const fs::path& file) {
  std::error_code ignored;
  std::string text = fs::exists(file, ignored) ? formats::read_text_file(file) : std::string();
  constexpr std::string_view kSeed = "\nseed = ";
  if (const std::size_t at = text.find(kSeed); at != std::string::npos) {
    text.erase(at, text.find('\n', at + 1) - at);
  }
  return text;
}

std::optional<double> number_of(std::string_view cell) {
  double value = 0;
  const auto result = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return result.ec == std::errc() && result.ptr == cell.data() + cell.size() ? std::optional(value) : std::nullopt;
}

/// The cells of `line`, exactly `count`.
std::vector<std::optional<double>> numbers_of(std::string_view line, std::size_t count) {
  std::vector<std::optional<double>> cells;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = std::min(line.find(','), line.size());
    cells.push_back(number_of(line.substr(0, end)));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return cells;
}

std::vector<EpochResult> read_history(const fs::path& file) {
  constexpr std::size_t kColumns = 7;
  const std::string text = formats::read_text_file(file);
  std::vector<EpochResult> history;
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto cells = numbers_of(rest.substr(0, end), kColumns);
    if (!cells[0] || !cells[1] || !cells[2]) {
      refuse(file, fmt::format("line {} is not what a training wrote there", history.size() + 2));
    }
    history.push_back({static_cast<std::int64_t>(*cells[0]), *cells[1], *cells[2], cells[3], cells[4],
                       cells[5].value_or(0), cells[6].value_or(0)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return history;
}

}  // namespace

std::string store::run_status(const fs::path& run) {
  std::error_code ignored;
  return fs::exists(run / "metrics.json", ignored) ? read_metrics(run / "metrics.json").status : std::string();
}

RunSummary read_run(const fs::path& run) {
  std::error_code ignored;
  const fs::path folder = run.has_filename() ? run : run.parent_path();
  if (!fs::exists(folder / "metrics.json", ignored)) {
    const bool there = fs::exists(folder, ignored);
    throw Error(ErrorKind::kIo, folder.string(),
                there ? "holds no metrics.json: no run, or one that is not over" : "there is no such folder", {},
                "a run folder that `lapel train` made");
  }
  RunSummary summary{fs::absolute(folder), read_metrics(folder / "metrics.json"), {}};
  if (summary.record.status == "failed") {
    throw Error(ErrorKind::kData, folder.string(), "this run failed and has no results", {}, "another run");
  }
  summary.history = read_history(folder / "history.csv");
  if (const auto bytes = fs::file_size(folder / "model.safetensors", ignored); !ignored) {
    summary.model_bytes = static_cast<std::int64_t>(bytes);
  }
  summary.settings = recipe_without_seed(folder / store::kRecipeFile);
  return summary;
}

}  // namespace lapel
