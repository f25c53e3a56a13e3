#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include "base/json.h"
#include "base/only_errors.h"
#include "formats/bytes.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "store/run_folder.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, std::string problem) {
  throw Error(ErrorKind::kData, file.string(), std::move(problem), {}, "a run folder that `lapel train` made");
}

std::optional<Score> score_of(const std::optional<JsonValue>& json) {
  if (!json) {
    return std::nullopt;
  }
  return Score{json->at("accuracy").number(), json->at("loss").number(), json->at("samples").integer(0)};
}

/// Nothing where older runs have no such number.
std::optional<double> number_at(const JsonValue& json, const char* key) {
  const auto found = json.find(key);
  return found ? std::optional(found->number()) : std::nullopt;
}

RunRecord read_metrics(const fs::path& file) {
  const std::string text = formats::read_text_file(file, {kMostJsonBytes});
  const JsonRefusal refuse_text = [&](const JsonProblem& problem) {
    refuse(file, fmt::format("is not what a training wrote there: it {}", problem.words));
  };
  const nlohmann::json content = parse_json(text, refuse_text);
  const JsonValue json(content, refuse_text);
  RunRecord record;
  record.name = json.at("name").text();
  record.status = json.at("status").text();
  record.train = score_of(json.find("train"));
  record.validation = score_of(json.find("val"));
  record.test = score_of(json.find("test"));
  record.macro_f1 = number_at(json, "macro_f1");
  record.balanced_accuracy = number_at(json, "balanced_accuracy");
  record.top_3_accuracy = number_at(json, "top_3_accuracy");
  record.epochs = json.at("epochs").integer(0);
  record.steps = json.at("steps").integer(0);
  record.parameters = json.at("parameters").integer(0);
  record.seconds = json.at("seconds").number_from(0);
  record.seed = json.at("seed").integer();
  record.threads = static_cast<int>(json.at("threads").integer(0, std::numeric_limits<int>::max()));
  record.precision = json.at("precision").text();
  const auto views = json.find("test_time_augmentation");
  record.test_time_augmentation = views ? views->text() : "none";
  return record;
}

/// The lines of a run's recipe but for the seed; nothing where there is none.
std::string recipe_without_seed(const fs::path& file) {
  std::error_code ignored;
  std::string text = fs::exists(file, ignored) ? formats::read_text_file(file, {kMostRecipeBytes}) : std::string();
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
  constexpr double kMostEpochs = 1e15;
  const std::string text = formats::read_text_file(file, {kMostJsonBytes});
  std::vector<EpochResult> history;
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const auto cells = numbers_of(rest.substr(0, end), kColumns);
    if (!cells[0] || !cells[1] || !cells[2] || !(*cells[0] >= 1 && *cells[0] <= kMostEpochs)) {
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

namespace {

RunSummary read_folder(const fs::path& run) {
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

}  // namespace

RunSummary read_run(const fs::path& run) {
  return only_errors(run.string(), [&] { return read_folder(run); });
}

}  // namespace lapel
