#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/data.h"
#include "lapel/plot.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string data = "fashion-mnist";
  std::string out = "samples.png";
};

ExitCode run(const Options& options, Output& output) {
  draw_samples(load_data(options.data), options.out);
  output.print(options.out + "\n");
  return kSuccess;
}

}  // namespace

Command data_show_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "data show",
          .help = "Draws some pictures of every class of a data set.",
          .arguments = {{.name = "DATA",
                         .value = {},
                         .help = fmt::format("{}; if left out, the first", kDataHelp),
                         .target = &options->data},
                        {.name = "--out",
                         .value = "FILE",
                         .help = "the .png or .svg file to draw (samples.png)",
                         .target = &options->out}},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
