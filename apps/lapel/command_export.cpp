#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/interop.h"
#include "lapel/report.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string run;
  std::string out;
  ExportSettings settings;
};

ExitCode run(const Options& options, Output& output) {
  const ExportResult result = export_model(Classifier::load(options.run), options.out, options.settings);
  output.print(to_text(result.findings));
  for (const auto& file : result.files) {
    output.print(fmt::format("Wrote {} ({} bytes)\n", file.string(), std::filesystem::file_size(file)));
  }
  return kSuccess;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const ExportFormat& format : export_formats()) {
    names.push_back(format.name);
  }
  return names;
}

std::string format_notes() {
  std::string text = "Formats:\n";
  for (const ExportFormat& format : export_formats()) {
    text += fmt::format("  {:<12} {}\n", format.name, format.help);
    if (!format.missing.empty()) {
      text += fmt::format("  {:<12} (not in this build: {})\n", "", format.missing);
    }
  }
  return text;
}

}  // namespace

Command export_command() {
  const auto options = std::make_shared<Options>();
  ExportSettings& settings = options->settings;
  return {.name = "export",
          .help = "Writes a trained model as a file of another program.",
          .arguments = {run_argument(&options->run),
                        {.name = "--to",
                         .value = "FORMAT",
                         .help = fmt::format("{}", fmt::join(format_names(), ", ")),
                         .target = &settings.format,
                         .required = true,
                         .choices = format_names()},
                        {.name = "--out",
                         .value = "FILE",
                         .help = "file to write; what is there is replaced",
                         .target = &options->out,
                         .required = true},
                        {.name = "--input",
                         .value = "INPUT",
                         .help = "what an ONNX graph takes: uint8-nhwc (pixels; scaling is inside) or float32-nchw",
                         .target = &settings.input,
                         .choices = {"uint8-nhwc", "float32-nchw"}},
                        {.name = "--fold",
                         .value = {},
                         .help = "join each BatchNormalization to the layer before it, where that gives the same",
                         .target = &settings.fold}},
          .run = [options](Output& output) { return run(*options, output); },
          .notes = format_notes};
}

}  // namespace lapel::app
