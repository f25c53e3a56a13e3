#include "recipe/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "layers/layer.h"
#include "model/names.h"

namespace lapel::recipe {

std::span<const Option<Recipe>> recipe_table() {
  static const std::array<Option<Recipe>, 2> kOptions = {{
      {.key = "name", .member = &Recipe::name, .help = "name of the model; left out of a file: the file's name"},
      {.key = "description", .member = &Recipe::description, .help = "one sentence about it"},
  }};
  return kOptions;
}

std::span<const Option<DataSpec>> data_table() {
  static const std::array<Option<DataSpec>, 12> kOptions = {{
      {.key = "source", .member = &DataSpec::source, .help = "a known data set, a folder with one, or a CSV file"},
      {.key = "test_source",
       .member = &DataSpec::test_source,
       .help = "where the test pictures are, if they are elsewhere"},
      {.key = "image_size",
       .member = &DataSpec::image_size,
       .help = "height and width to which picture files are brought; 0: their own, or the middle of theirs",
       .min = 0,
       .max = 4096},
      {.key = "largest_size",
       .member = &DataSpec::largest_size,
       .help = "longest side that picture files are left; 0: 224 where their sizes differ",
       .min = 0,
       .max = 4096},
      {.key = "fit",
       .member = &DataSpec::fit,
       .help = "how other proportions come to that size: with a border (pad), or the middle alone (crop)",
       .choices = {"stretch", "pad", "crop"}},
      {.key = "color_mode",
       .member = &DataSpec::color_mode,
       .help = "of picture files; \"auto\": grey if all are",
       .choices = {"auto", "grayscale", "rgb"}},
      {.key = "background",
       .member = &DataSpec::background,
       .help = "of transparent picture files; \"auto\": black, but white where black leaves no contrast",
       .choices = {"auto", "black", "white"}},
      {.key = "test_split",
       .member = &DataSpec::test_split,
       .help = "share of each class that is held out for testing, where the source has no test pictures",
       .min = 0,
       .max = 1,
       .below_max = true},
      {.key = "split_seed",
       .member = &DataSpec::split_seed,
       .help = "seed of test_split, of validation, and of the order of pictures from a folder",
       .min = 0},
      {.key = "validation",
       .member = &DataSpec::validation,
       .help = "\"last 5000\", \"stratified 10%\", \"random 10%\": training pictures that are kept for validation"},
      {.key = "validation_split",
       .member = &DataSpec::validation_split,
       .help = "share of the training pictures, from the end, for validation",
       .min = 0,
       .max = 1,
       .below_max = true},
      {.key = "limit",
       .member = &DataSpec::limit,
       .help = "only the first so many training pictures; 0: all",
       .min = 0},
  }};
  return kOptions;
}

std::span<const TypedKey> typed_keys() {
  static const std::array<TypedKey, 3> kKeys = {{
      {"loss", &TrainSpec::loss, &training::loss_types, "what training makes small"},
      {"optimizer", &TrainSpec::optimizer, &training::optimizer_types, "how a step changes the weights"},
      {"schedule", &TrainSpec::schedule, &training::schedule_types, "how the learning rate changes over the training"},
  }};
  return kKeys;
}

std::span<const OptionRule> layer_keys() {
  const auto text_rule = [](std::string_view key, std::string_view help, bool required) {
    return OptionRule{key, std::string(), help, {}, {}, false, false, required, false, {}};
  };
  static const std::array<OptionRule, 4> kKeys = {{
      text_rule("type", "type of the layer, as Keras names it, or name of a block", true),
      text_rule("name", "name of the layer; left out: as Keras names it, dense, dense_1, ...", false),
      text_rule("inputs", "list of the names of the layers it takes; left out: the one before it", false),
      {"repeat",
       std::int64_t{1},
       "so many copies, each on top of the one before, named NAME_1, NAME_2, ...",
       1,
       10'000,
       false,
       false,
       false,
       false,
       {}},
  }};
  return kKeys;
}

void check_name(const std::string& name) {
  const bool plain = std::none_of(
      name.begin(), name.end(), [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; });
  if (!plain || name.empty() || name == "." || name == "..") {
    throw Error(ErrorKind::kRecipe, {}, fmt::format("name = {} is not allowed", option_text(name)),
                {{"allowed", "a text that can be the name of a folder"}}, "name = \"model\"");
  }
}

void check_layer(const LayerSpec& spec, const std::string& name) {
  at_place(model::layer_place(spec, name), [&] { return layers::make_layer(spec.type, spec.options) != nullptr; });
}

}  // namespace lapel::recipe
