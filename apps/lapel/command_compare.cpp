#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/report.h"
#include "shared_arguments.h"
#include "whole_file.h"

namespace lapel::app {

namespace {

struct Options {
  std::vector<std::string> runs;
  std::string plot;
  std::string html;
  bool json = false;
  bool csv = false;
};

/// Seconds that the model takes for one picture: the middle of several, the first left out.
std::optional<double> latency_of(const std::string& run) {
  constexpr std::size_t kTimes = 21;
  const Classifier classifier = Classifier::load(run);
  Pictures picture{1, classifier.height(), classifier.width(), classifier.channels(), {}};
  picture.pixels.assign(static_cast<std::size_t>(picture.picture_size()), 0);
  std::vector<double> seconds;
  for (std::size_t i = 0; i <= kTimes; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    static_cast<void>(classifier.predict(picture));
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::nth_element(seconds.begin() + 1, seconds.begin() + 1 + kTimes / 2, seconds.end());
  return seconds[1 + kTimes / 2];
}

ExitCode run(const Options& options, Output& output) {
  std::vector<RunSummary> runs;
  for (const auto& folder : options.runs) {
    runs.push_back(read_run(folder));
    if (runs.back().model_bytes > 0) {
      runs.back().latency = latency_of(folder);
    }
  }
  if (!options.plot.empty()) {
    draw_comparison(runs, options.plot);
  }
  if (!options.html.empty()) {
    refuse_unread_pipe(options.html);
    WholeFile page;
    page.open(options.html);
    page.write(to_html(runs));
    page.finish();
  }
  output.print(options.json ? to_json(runs) : options.csv ? to_csv(runs) : to_text(runs));
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
                         .target = &options->plot},
                        {.name = "--html",
                         .value = "FILE",
                         .help = "write the tables as a page of HTML into this file",
                         .target = &options->html},
                        {.name = "--csv", .value = {}, .help = "print CSV, a line a run", .target = &options->csv},
                        json_argument(&options->json)},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
