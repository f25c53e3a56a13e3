#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/data.h"
#include "lapel/plot.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string data;
  std::vector<std::string> set;
  std::string augment;
  std::string out = "samples.png";
};

ExitCode run(const Options& options, Output& output) {
  if (options.augment.empty()) {
    draw_samples(load_delivered(options.data, options.set, output), options.out);
  } else {
    const Recipe recipe = recipe_with(options.augment, options.set, options.data);
    draw_augmentations(recipe, load_with_progress(recipe.data, DataPart::kAll, {}, output), options.out);
  }
  output.print(options.out + "\n");
  return kSuccess;
}

}  // namespace

Command data_show_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "data show",
          .help = "Draws some pictures of every class of a data set, or what a training makes of them.",
          .arguments = {{.name = "DATA",
                         .value = {},
                         .help = fmt::format("{}; if left out, the first, or the recipe's", kDataHelp),
                         .target = &options->data},
                        set_data_argument(&options->set),
                        {.name = "--augment",
                         .value = "RECIPE",
                         .help = "draw what the layers of this recipe that change pictures in training make of them",
                         .target = &options->augment},
                        {.name = "--out",
                         .value = "FILE",
                         .help = "the .png or .svg file to draw (samples.png)",
                         .target = &options->out}},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
