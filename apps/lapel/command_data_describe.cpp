#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/data.h"
#include "lapel/report.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string data = DataSpec{}.source;
  std::vector<std::string> set;
  bool json = false;
};

ExitCode run(const Options& options, Output& output) {
  const DataDescription description = describe(load_delivered(options.data, options.set, output));
  output.print(options.json ? to_json(description) : to_text(description));
  return kSuccess;
}

}  // namespace

Command data_describe_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "data describe",
          .help = "Prints the shapes, pixel range and counts by class of a data set.",
          .arguments = {{.name = "DATA",
                         .value = {},
                         .help = fmt::format("{}; if left out, the first", kDataHelp),
                         .target = &options->data},
                        set_data_argument(&options->set),
                        {.name = "--json",
                         .value = {},
                         .help = "print one JSON document and nothing else",
                         .target = &options->json}},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
