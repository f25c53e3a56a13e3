#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/plot.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string run;
  std::string format = "png";
};

ExitCode run(const Options& options, Output& output) {
  const auto files = draw_run(options.run, options.format == "svg" ? PlotFormat::kSvg : PlotFormat::kPng);
  std::string text;
  for (const auto& file : files) {
    text += file.string() + "\n";
  }
  output.print(text);
  return kSuccess;
}

}  // namespace

Command report_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "report",
          .help = "Draws the plots of a run again, from the files in its folder, and prints their names.",
          .arguments = {{.name = "RUN", .value = {}, .help = "run folder", .target = &options->run, .required = true},
                        {.name = "--plot-format",
                         .value = "FORMAT",
                         .help = "png (what is taken if left out) or svg",
                         .target = &options->format,
                         .choices = {"png", "svg"}}},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
