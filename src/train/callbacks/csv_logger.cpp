#include "train/callbacks/csv_logger.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>
#include <system_error>
#include <utility>

#include "formats/bytes.h"
#include "store/history.h"
#include "train/callbacks/callback_factories.h"

namespace lapel::training {

namespace {

struct CsvLoggerOptions {
  std::string filename;
  std::string separator = ",";
};

std::span<const Option<CsvLoggerOptions>> csv_logger_options() {
  static const std::array<Option<CsvLoggerOptions>, 2> kOptions = {{
      {.key = "filename",
       .member = &CsvLoggerOptions::filename,
       .help = "CSV file in the run folder, beside history.csv, which every run has",
       .required = true},
      {.key = "separator",
       .member = &CsvLoggerOptions::separator,
       .help = "between two cells",
       .choices = {",", ";", "\t"}},
  }};
  return kOptions;
}

}  // namespace

CsvLogger::CsvLogger(std::filesystem::path file, std::string separator, std::vector<EpochResult> earlier)
    : file_(std::move(file)), separator_(std::move(separator)), earlier_(std::move(earlier)) {}

void CsvLogger::write(const Training& training) const {
  std::error_code ignored;  // Writing will tell.
  std::filesystem::create_directories(file_.parent_path(), ignored);
  formats::write_text_file(file_, store::history_csv(store::continued(earlier_, training.history()), separator_));
}

StepLossCsv::StepLossCsv(std::filesystem::path file) : file_(std::move(file)) {
  formats::write_text_file(file_, text_);
}

void StepLossCsv::on_step(Training& training) {
  if (std::isfinite(training.loss())) {
    fmt::format_to(std::back_inserter(text_), "{},{}\n", training.steps(), training.loss());
  }
}

void StepLossCsv::on_end(Training& /*training*/) { formats::write_text_file(file_, text_); }

CallbackType csv_logger_type() {
  return {{"CSVLogger", "writes a further CSV file with a line for each epoch", rules_of(csv_logger_options())},
          [](const OptionValues& options, const CallbackContext& context) -> std::unique_ptr<Callback> {
            const auto given = read_options(csv_logger_options(), options);
            return std::make_unique<CsvLogger>(file_in_run("filename", given.filename, "", context.folder),
                                               given.separator);
          }};
}

}  // namespace lapel::training
