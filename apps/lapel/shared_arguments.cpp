#include "shared_arguments.h"

#include <fmt/format.h>

#include "lapel/error.h"
#include "recipe_finder.h"

namespace lapel::app {

const LabeledPictures& split_of(const DataSet& data, const std::string& split) {
  const LabeledPictures& part = split == "train" ? data.train : data.test;
  if (part.pictures.count == 0) {
    throw Error(ErrorKind::kData, data.location.string(), fmt::format("the data set has no {} pictures", split), {},
                split == "test" ? "--split train" : "another --data");
  }
  return part;
}

DataSet load_split_for(const Classifier& classifier, const std::string& place, const std::string& split) {
  DataSpec spec = classifier.data_spec();
  if (!place.empty()) {
    spec.source = place;
  }
  if (spec.source.empty()) {
    throw Error(ErrorKind::kUsage, {}, "a model file alone does not say where its data set is", {},
                "--data DATA, or its run folder in place of the file");
  }
  return with_classes(load_data(spec, split == "train" ? DataPart::kTrain : DataPart::kTest), classifier.class_names());
}

Recipe recipe_with(const std::string& name, const std::vector<std::string>& changes, const std::string& data) {
  Recipe recipe = find_recipe(name);
  for (const auto& assignment : changes) {
    set_option(recipe, assignment);
  }
  if (!data.empty()) {
    recipe.data.source = data;
  }
  return recipe;
}

Argument recipe_argument(std::string* target, const std::string& help_end) {
  return {.name = "RECIPE",
          .value = {},
          .help = "recipe file, or name of a shipped recipe (`lapel recipes`)" + help_end,
          .target = target};
}

Argument set_argument(std::vector<std::string>* target) {
  return {.name = "--set",
          .value = "KEY=VALUE",
          .help = "change an option of the recipe, as train.epochs=3; may be repeated",
          .target = target};
}

Argument other_data_argument(std::string* target) {
  return {.name = "--data",
          .value = "DATA",
          .help = fmt::format("{}; instead of the recipe's", kDataHelp),
          .target = target};
}

Argument run_argument(std::string* target) {
  return {.name = "RUN", .value = {}, .help = "run folder, or model file", .target = target, .required = true};
}

Argument data_argument(std::string* target) {
  return {.name = "--data",
          .value = "DATA",
          .help = fmt::format("{}; if left out, the data that the model was trained on", kDataHelp),
          .target = target};
}

Argument split_argument(std::string* target) {
  return {.name = "--split",
          .value = "SPLIT",
          .help = "part of the data: test (what is taken if left out) or train",
          .target = target,
          .choices = {"test", "train"}};
}

Argument precision_argument(std::string* target) {
  return {.name = "--precision",
          .value = "PRECISION",
          .help =
              "number type of the arithmetic: float32, bfloat16, or auto (what is taken if left out): that of the "
              "training, but float32 where this processor has no arithmetic in bfloat16",
          .target = target,
          .choices = {"float32", "bfloat16", "auto"}};
}

Argument json_argument(bool* target) {
  return {.name = "--json", .value = {}, .help = "print one JSON document and nothing else", .target = target};
}

}  // namespace lapel::app
