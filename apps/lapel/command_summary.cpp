#include <filesystem>
#include <memory>
#include <system_error>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/report.h"
#include "lapel/summary.h"
#include "recipe_finder.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string model;
  bool json = false;
};

/// A folder or a file that is not TOML is a trained model; anything else is, or names, a recipe.
bool is_trained(const std::filesystem::path& model) {
  std::error_code ignored;
  const bool missing = std::filesystem::status(model, ignored).type() == std::filesystem::file_type::not_found;
  return !missing && model.extension() != ".toml";
}

Summary summary_of(const std::string& model) {
  if (is_trained(model)) {
    return Classifier::load(model).summary();
  }
  const Recipe recipe = find_recipe(model);
  return summarize(recipe, load_data(recipe.data));
}

}  // namespace

Command summary_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "summary",
          .help = "Prints the layers of a model with their shapes and parameters, as Keras does.",
          .arguments = {{.name = "MODEL",
                         .value = {},
                         .help = "recipe file, name of a shipped recipe, run folder, or model file",
                         .target = &options->model,
                         .required = true},
                        json_argument(&options->json)},
          .run = [options](Output& output) {
            const Summary summary = summary_of(options->model);
            output.print(options->json ? to_json(summary) : to_text(summary));
            return kSuccess;
          }};
}

}  // namespace lapel::app
