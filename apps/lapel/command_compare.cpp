#include <memory>
#include <vector>

#include "command.h"
#include "lapel/plot.h"
#include "lapel/report.h"

namespace lapel::app {

namespace {

struct Options {
  std::vector<std::string> runs;
  std::string plot;
};

ExitCode run(const Options& options, Output& output) {
  std::vector<RunSummary> runs;
  for (const auto& folder : options.runs) {
    runs.push_back(read_run(folder));
  }
  if (!options.plot.empty()) {
    draw_comparison(runs, options.plot);
  }
  output.print(to_text(runs));
  return kSuccess;
}

}  // namespace

Command compare_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "compare",
          .help = "Prints what several runs reached, side by side.",
          .arguments = {{.name = "RUN",
                         .value = {},
                         .help = "run folders",
                         .target = &options->runs,
                         .required = true,
                         .greedy = true},
                        {.name = "--plot",
                         .value = "FILE",
                         .help = "draw their accuracy over the epochs into this .png or .svg file",
                         .target = &options->plot}},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
