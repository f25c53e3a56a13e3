#include "shared_arguments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "lapel/error.h"
#include "lapel/train.h"
#include "recipe_finder.h"

namespace lapel::app {

namespace {

namespace fs = std::filesystem;

bool same_place(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return a == b || fs::equivalent(a, b, ignored);
}

/// Both parts, one behind the other.
void append(LabeledPictures& to, const LabeledPictures& from) {
  if (to.pictures.count == 0) {
    to = from;
    return;
  }
  to.pictures.count += from.pictures.count;
  to.pictures.pixels.insert(to.pictures.pixels.end(), from.pictures.pixels.begin(), from.pictures.pixels.end());
  to.labels.insert(to.labels.end(), from.labels.begin(), from.labels.end());
}

LabeledPictures take_split(DataSet& data, const std::string& split) {
  if (split == "all") {
    LabeledPictures all = std::move(data.train);
    append(all, data.validation);
    append(all, data.test);
    return all;
  }
  return std::move(split == "train" ? data.train : split == "validation" ? data.validation : data.test);
}

std::string words_for(const ChosenPart& part, const DataSpec& spec, bool own) {
  const std::string& name = part.data.name;
  if (!own) {
    return part.split == "all"
               ? fmt::format("all of {}, other data than the model was trained on", name)
               : fmt::format("{} part of {}, other data than the model was trained on", part.split, name);
  }
  if (part.split == "train") {
    return fmt::format("the pictures of {} that the model was trained on: what it makes of others, they do not tell",
                       name);
  }
  if (part.split == "all") {
    return fmt::format("all of {}, the pictures among them that the model was trained on", name);
  }
  return part.split == "test" && part.data.held_out > 0
             ? fmt::format("test part of {}: {:g}% of each class, held out of the training", name,
                           100 * spec.test_split)
             : fmt::format("{} part of {}", part.split, name);
}

}  // namespace

void refuse_unread_pipe(const std::string& file) {
  std::error_code ignored;
  if (fs::status(file, ignored).type() != fs::file_type::fifo) {
    return;
  }
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ErrorKind::kIo, file, "is a pipe that nobody reads", {}, "a file, or a program at its other end");
  }
  ::close(descriptor);
}

DataSet load_with_progress(const DataSpec& spec, DataPart wanted, const std::stop_token& stop, Output& output) {
  LoadSettings settings;
  settings.stop = stop;
  bool drawn = false;
  if (output.is_terminal()) {
    settings.progress = [&](const LoadProgress& progress) {
      output.redraw(fmt::format("reading pictures: {} of {}", progress.done, progress.total));
      drawn = true;
    };
  }
  const auto clear = [&] {
    if (drawn) {
      output.redraw({});
    }
  };
  try {
    DataSet data = load_data(spec, wanted, settings);
    clear();
    return data;
  } catch (...) {
    clear();
    throw;
  }
}

DataSet load_delivered(const std::string& place, const std::vector<std::string>& changes, Output& output) {
  Recipe recipe;
  recipe.data.test_split = 0;
  for (const auto& assignment : changes) {
    if (!assignment.starts_with("data.")) {
      throw Error(ErrorKind::kUsage, fmt::format("--set {}", assignment), "only options of [data] have a meaning here",
                  {}, "data.image_size=[64,64], or another option of [data]");
    }
    set_option(recipe, assignment);
  }
  recipe.data.source = place.empty() ? recipe.data.source : place;
  return load_with_progress(recipe.data, DataPart::kAll, {}, output);
}

ChosenPart choose_part(const Classifier& classifier, const std::string& place, const std::string& split,
                       Output& output) {
  DataSpec spec = classifier.data_spec();
  const bool own = place.empty() || same_place(place, spec.source);
  if (!own) {
    spec = classifier.other_data_spec(place);
  }
  if (spec.source.empty()) {
    throw Error(ErrorKind::kUsage, {}, "a model file alone does not say where its data set is", {},
                "--data DATA, or its run folder in place of the file");
  }
  // Of the data it was trained on, training and validation part are known only when both are read.
  const bool whole = !own || (!split.empty() && split != "test");
  ChosenPart part{load_with_progress(spec, whole ? DataPart::kAll : DataPart::kTest, {}, output), {}, split, {}};
  if (own && whole && split != "all") {
    part.data = divided(std::move(part.data), spec);
  }
  if (split.empty()) {
    part.split = own || part.data.test.pictures.count > 0 ? "test" : "all";
  }
  part.pictures = take_split(part.data, part.split);
  part.data.train = {};
  part.data.validation = {};
  part.data.test = {};
  if (part.pictures.pictures.count == 0) {
    throw Error(ErrorKind::kData, part.data.location.string(),
                fmt::format("the data set has no {} pictures", part.split), {},
                own ? "--split train" : "--split all, which is all of it");
  }
  part.data.test = std::move(part.pictures);
  part.data = with_classes(std::move(part.data), classifier.class_names());
  part.pictures = std::move(part.data.test);
  part.words = words_for(part, spec, own);
  return part;
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

Argument set_data_argument(std::vector<std::string>* target) {
  return {
      .name = "--set",
      .value = "KEY=VALUE",
      .help = "change an option of [data], as data.image_size=[64,64] (lapel train --help lists them); may be repeated",
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
  return {
      .name = "--split",
      .value = "SPLIT",
      .help =
          "part of the data: test (what is taken if left out, or all of other data without one), validation, train, "
          "or all",
      .target = target,
      .choices = {"test", "validation", "train", "all"}};
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
