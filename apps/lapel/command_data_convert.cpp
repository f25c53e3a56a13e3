#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/data.h"
#include "lapel/report.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string from;
  std::vector<std::string> set;
  std::string to;
  std::string form;
};

DataForm form_of(const std::string& word) {
  return word == "idx" ? DataForm::kIdx : word == "csv" ? DataForm::kCsv : DataForm::kFolder;
}

ExitCode run(const Options& options, Output& output) {
  const DataSet data = load_delivered(options.from, options.set, output);
  save_data(data, options.to, form_of(options.form));
  output.print(to_text(data.findings));
  const std::string validation = data.validation.pictures.count == 0
                                     ? std::string()
                                     : fmt::format("{} validation, ", data.validation.pictures.count);
  output.print(fmt::format("{}: {} training and {}{} test pictures in {} classes, as {}\n", options.to,
                           data.train.pictures.count, validation, data.test.pictures.count, data.class_names.size(),
                           options.form == "folder" ? "PNG pictures"
                           : options.form == "csv"  ? "CSV"
                                                    : "IDX"));
  return kSuccess;
}

}  // namespace

Command data_convert_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "data convert",
      .help = "Writes a data set in another form, with nothing lost.",
      .arguments =
          {{.name = "DATA", .value = {}, .help = std::string(kDataHelp), .target = &options->from, .required = true},
           {.name = "DIR",
            .value = {},
            .help = "folder to make; it must not exist",
            .target = &options->to,
            .required = true},
           {.name = "--to",
            .value = "FORM",
            .help = "idx (four files), csv (train.csv, test.csv) or folder (of PNG pictures)",
            .target = &options->form,
            .required = true,
            .choices = {"idx", "csv", "folder"}},
           set_data_argument(&options->set)},
      .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
