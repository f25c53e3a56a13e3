#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "lapel/error.h"
#include "lapel/lr_find.h"
#include "shared_arguments.h"
#include "stop_on_signal.h"

namespace lapel::app {

namespace {

struct Options {
  std::string recipe = "default";
  std::vector<std::string> set;
  std::string data;
  std::string start = "1e-7";
  std::string end = "10";
  std::int64_t steps = 100;
  std::string plot;
  bool json = false;
};

double number(const std::string& name, const std::string& word) {
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("{} {} is not allowed", name, word), {{"allowed", "a number"}},
                fmt::format("{} 0.001", name));
  }
  return value;
}

ExitCode run(const Options& options, Output& output) {
  const StopOnSignal interrupt;
  const LrFindSettings settings{number("--start", options.start), number("--end", options.end), options.steps,
                                interrupt.token()};
  const Recipe recipe = recipe_with(options.recipe, options.set, options.data);
  const LrFindResult result = find_learning_rate(recipe, load_data(recipe.data), settings);
  output.print(options.json ? to_json(result) : to_text(result));
  if (!options.plot.empty()) {
    draw_lr_find(result, options.plot);
  }
  return kSuccess;
}

}  // namespace

Command lr_find_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "lr-find",
      .help = "Looks for a learning rate: raises it step by step and shows where the loss falls.",
      .arguments =
          {recipe_argument(&options->recipe, "; if left out: default"),
           set_argument(&options->set),
           other_data_argument(&options->data),
           {.name = "--start",
            .value = "RATE",
            .help = "learning rate of the first step (1e-7)",
            .target = &options->start},
           {.name = "--end", .value = "RATE", .help = "learning rate of the last step (10)", .target = &options->end},
           {.name = "--steps", .value = "N", .help = "steps in all (100)", .target = &options->steps, .min = 20},
           {.name = "--plot",
            .value = "FILE",
            .help = "draw the loss over the learning rate into this .png or .svg file",
            .target = &options->plot},
           json_argument(&options->json)},
      .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
