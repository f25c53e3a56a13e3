#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/bench.h"
#include "lapel/error.h"
#include "lapel/report.h"
#include "recipe_finder.h"
#include "recipe_help.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string recipe = "default";
  std::vector<std::string> set;
  std::string data;
  std::int64_t batch = 0;
  std::string mode = "train";
  std::int64_t steps = 0;
  std::string only;
  std::string init;
  std::string trace;
  bool json = false;
};

Recipe recipe_of(const Options& options) {
  Recipe recipe = find_recipe(options.recipe);
  for (const auto& assignment : options.set) {
    set_option(recipe, assignment);
  }
  if (!options.data.empty()) {
    recipe.data.source = options.data;
  }
  if (options.batch > 0) {
    recipe.train.batch_size = options.batch;
  }
  return recipe;
}

ExitCode run(const Options& options, Output& output) {
  if (!options.trace.empty() && !options.only.empty()) {
    throw Error(ErrorKind::kUsage, {},
                fmt::format("--trace shows the parts of steps, --only {} measures none", options.only), {},
                "--trace without --only");
  }
  if (!options.init.empty() && options.only == "machine") {
    throw Error(ErrorKind::kUsage, {}, "--init gives weights to a model, --only machine measures none", {},
                "--init without --only machine");
  }
  const Recipe recipe = recipe_of(options);
  if (options.only == "machine") {
    const MachineLimits machine = measure_machine(static_cast<int>(recipe.train.threads));
    output.print(options.json ? to_json(machine) : to_text(machine));
    return kSuccess;
  }
  BenchSettings settings;
  settings.mode = options.mode == "train" ? BenchMode::kTrain : BenchMode::kPredict;
  settings.steps = options.steps;
  settings.parts = options.only.empty();
  settings.init = options.init;
  settings.trace = options.trace;
  const BenchResult result = bench(recipe, settings);
  output.print(options.json ? to_json(result) : to_text(result));
  return kSuccess;
}

}  // namespace

Command bench_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "bench",
      .help = "Measures how fast a recipe trains or predicts here, part by part, against what the machine could do.",
      .arguments = {{.name = "RECIPE",
                     .value = {},
                     .help = "recipe file, or name of a shipped recipe (`lapel recipes`); if left out: default",
                     .target = &options->recipe},
                    {.name = "--set",
                     .value = "KEY=VALUE",
                     .help = "change an option of the recipe, as train.precision=bfloat16; may be repeated",
                     .target = &options->set},
                    {.name = "--data",
                     .value = "DATA",
                     .help = fmt::format("{}; instead of the recipe's", kDataHelp),
                     .target = &options->data},
                    {.name = "--batch",
                     .value = "N",
                     .help = "pictures in a step; short for --set train.batch_size=N",
                     .target = &options->batch,
                     .min = 1},
                    {.name = "--mode",
                     .value = "MODE",
                     .help = "what is measured: train (what is taken if left out) or predict",
                     .target = &options->mode,
                     .choices = {"train", "predict"}},
                    {.name = "--steps",
                     .value = "N",
                     .help = "how many steps are measured (as many as fit into a second, at least 20)",
                     .target = &options->steps,
                     .min = 1},
                    {.name = "--only",
                     .value = "PART",
                     .help = "step: whole steps and nothing else; machine: the limits of the machine",
                     .target = &options->only,
                     .choices = {"step", "machine"}},
                    {.name = "--init",
                     .value = "FILE",
                     .help = "safetensors file with the weights to begin with, under Keras's names",
                     .target = &options->init},
                    {.name = "--trace",
                     .value = "FILE",
                     .help = "write some steps with their parts to this file, for chrome://tracing or Perfetto",
                     .target = &options->trace},
                    json_argument(&options->json)},
      .run = [options](Output& output) { return run(*options, output); },
      .notes = recipe_help};
}

}  // namespace lapel::app
