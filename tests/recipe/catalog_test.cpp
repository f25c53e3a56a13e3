#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "lapel/recipe.h"
#include "model/classes.h"
#include "model/model.h"
#include "support/messages.h"
#include "support/source_dir.h"

namespace lapel {
namespace {

using test::message_of;

const std::filesystem::path kShipped = std::filesystem::path(lapel::testing::source_dir()) / "recipes";

/// A folder of its own, removed at the end.
class Folder {
 public:
  explicit Folder(const char* name)
      : path_(std::filesystem::temp_directory_path() /
              ("lapel_recipe_" + std::string(name) + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& file, std::string_view text) const {
    std::ofstream(path_ / file) << text;
    return path_ / file;
  }

 private:
  std::filesystem::path path_;
};

TEST(ShippedRecipes, AllAreReadAndMakeAModel) {
  const auto recipes = list_recipes(kShipped);
  ASSERT_GE(recipes.size(), 3U);
  for (const auto& info : recipes) {
    const Recipe recipe = read_recipe(info.file);
    EXPECT_EQ(recipe.name, info.name);
    EXPECT_EQ(info.name, info.file.stem().string());
    EXPECT_FALSE(info.description.empty()) << info.file;
    const model::Model model(recipe.name, model::with_classes(recipe.layers, 10), Shape::image(1, 28, 28));
    EXPECT_EQ(model.outputs(), 10) << info.file;
    EXPECT_EQ(write_recipe(parse_recipe(write_recipe(recipe))), write_recipe(recipe));
  }
}

TEST(ShippedRecipes, OfTheStudiesHaveTheirSizes) {
  const std::map<std::string, std::int64_t> sizes = {
      {"mlp-512", 407'050}, {"cnn-5408", 29'306'282}, {"dense-on-pixels", 3'213'802},
      {"dnn", 101'770},     {"cnn", 225'034},         {"mlp-300-100", 266'610}};
  for (const auto& [name, size] : sizes) {
    const Recipe recipe = read_recipe(kShipped / (name + ".toml"));
    const auto layers = model::with_classes(recipe.layers, 10);
    EXPECT_EQ(model::Model("m", layers, Shape::image(1, 28, 28)).trainable_parameters(), size) << name;
    EXPECT_EQ(recipe.train.precision, "float32") << name;
  }
}

TEST(ShippedRecipes, ArePinned) {
  const Recipe small = read_recipe(kShipped / "mlp-512.toml");
  EXPECT_EQ(model::Model("m", model::with_classes(small.layers, 10), Shape::image(1, 28, 28)).trainable_parameters(),
            407'050);
  EXPECT_EQ(small.train.epochs, 50);
  EXPECT_EQ(small.train.batch_size, 32);
  EXPECT_EQ(small.train.optimizer.type, "Adam");
  EXPECT_EQ(small.train.loss.type, "categorical_crossentropy");
  EXPECT_EQ(small.train.precision, "float32");
  const Recipe textbook = read_recipe(kShipped / "mlp-300-100.toml");
  EXPECT_EQ(model::Model("m", model::with_classes(textbook.layers, 10), Shape::image(1, 28, 28)).trainable_parameters(),
            266'610);
  EXPECT_EQ(textbook.train.epochs, 30);
  EXPECT_EQ(textbook.train.optimizer.type, "SGD");
  EXPECT_EQ(textbook.train.optimizer.options, (OptionValues{{"learning_rate", 0.05}}));
  EXPECT_EQ(textbook.data.validation, "last 5000");
}

/// But for what it asks of anyone's pictures.
TEST(ShippedRecipes, TheDefaultIsMinute) {
  Recipe recipe = read_recipe(kShipped / "default.toml");
  EXPECT_EQ(recipe.train.mirroring, "measure");
  EXPECT_EQ(recipe.data.largest_size, 64);
  recipe.train.mirroring = "keep";
  recipe.data.largest_size = 0;
  const Recipe minute = read_recipe(kShipped / "minute.toml");
  Recipe same_layers = minute;
  same_layers.layers = recipe.layers;
  EXPECT_EQ(write_recipe(same_layers), write_recipe(minute));
  EXPECT_EQ(recipe.train.optimizer.options, minute.train.optimizer.options);
  EXPECT_EQ(recipe.train.time_budget, minute.train.time_budget);
  EXPECT_EQ(recipe.train.batch_size, minute.train.batch_size);
  EXPECT_EQ(recipe.train.test_time_augmentation, minute.train.test_time_augmentation);
}

TEST(ListRecipes, ByNameAndOnlyToml) {
  const Folder folder("list");
  static_cast<void>(folder.write("b.toml", "name = \"a\"\ndescription = \"first\"\n"));
  static_cast<void>(folder.write("a.toml", "description = \"second\"\nname = \"b\"\n"));
  static_cast<void>(folder.write("c.toml", ""));
  static_cast<void>(folder.write("d.txt", "not a recipe"));
  const auto recipes = list_recipes(folder.path());
  ASSERT_EQ(recipes.size(), 3U);
  EXPECT_EQ(recipes[0].name, "a");
  EXPECT_EQ(recipes[0].description, "first");
  EXPECT_EQ(recipes[0].file, folder.path() / "b.toml");
  EXPECT_EQ(recipes[1].name, "b");
  EXPECT_EQ(recipes[2].name, "c");
  EXPECT_EQ(message_of([] { return list_recipes("/nowhere/at/all"); }),
            "/nowhere/at/all: cannot be listed: No such file or directory");
}

TEST(ReadRecipe, NameAndSourceComeFromTheFile) {
  const Folder folder("read");
  std::filesystem::create_directories(folder.path() / "pictures");
  const std::string layers = "[[layers]]\ntype = \"Flatten\"\n";
  const Recipe recipe = read_recipe(folder.write("mine.toml", "[data]\nsource = \"pictures\"\n" + layers));
  EXPECT_EQ(recipe.name, "mine");
  EXPECT_EQ(recipe.data.source, (folder.path() / "pictures").string());
  EXPECT_EQ(recipe.layers[0].place, (folder.path() / "mine.toml").string() + ":3");
  EXPECT_EQ(read_recipe(folder.write("mine.toml", "[data]\nsource = \"other\"\n" + layers)).data.source, "other");
  EXPECT_EQ(read_recipe(folder.write("mine.toml", layers)).data.source, "fashion-mnist");
}

TEST(ReadRecipe, FilesThatCannotBeRead) {
  EXPECT_EQ(message_of([] { return read_recipe("/nowhere/r.toml"); }),
            "/nowhere/r.toml: cannot be read: No such file or directory");
  const Folder folder("folder");
  EXPECT_EQ(message_of([&] { return read_recipe(folder.path()); }),
            folder.path().string() + ": a recipe is a file, this is a folder");
}

OptionInfo option(const std::string& key) {
  const auto all = recipe_options();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& info) { return info.key == key; });
  return found == all.end() ? OptionInfo{} : *found;
}

TEST(RecipeOptions, AreWhatTheReaderKnows) {
  EXPECT_EQ(option("train.epochs").type, "integer");
  EXPECT_EQ(option("train.epochs").default_value, "1");
  EXPECT_EQ(option("train.epochs").help, "passes over the training pictures (at least 1 and at most 1000000)");
  EXPECT_EQ(option("train.shuffle").type, "true or false");
  EXPECT_EQ(option("layers.Dense.units").default_value, "required");
  EXPECT_EQ(option("layers.MaxPooling2D.pool_size").type, "integer or [integer, integer]");
  EXPECT_EQ(option("layers.MaxPooling2D.pool_size").default_value, "[2, 2]");
  EXPECT_EQ(option("layers.Input.shape").type, "list of integers");
  EXPECT_EQ(option("layers.inputs").type, "list of texts");
  EXPECT_EQ(option("data.validation_split").type, "number");
  EXPECT_EQ(option("train.optimizer").default_value, "\"Adam\"");
  EXPECT_EQ(option("train.optimizer.SGD.momentum").default_value, "0.0");
  EXPECT_EQ(option("train.schedule.OneCycle.warmup_fraction").default_value, "0.25");
  EXPECT_EQ(option("train.loss.categorical_crossentropy.label_smoothing").default_value, "0.0");
  EXPECT_EQ(option("train.callbacks.ModelCheckpoint.filepath").default_value, "required");
  EXPECT_EQ(option("train.callbacks.ModelCheckpoint.save_freq").type, "integer or \"epoch\"");
  EXPECT_EQ(option("train.callbacks.ModelCheckpoint.save_freq").default_value, "\"epoch\"");
  EXPECT_EQ(option("train.callbacks.EarlyStopping.baseline").type, "number or \"none\"");
  EXPECT_EQ(option("train.callbacks.EarlyStopping.baseline").default_value, "\"none\"");
  EXPECT_EQ(option("name").type, "text");
  EXPECT_EQ(option("extends").type, "text");
  EXPECT_EQ(option("layers.repeat").default_value, "1");
  EXPECT_EQ(option("blocks.NAME.layers").default_value, "required");
}

TEST(RecipeOptions, EachIsThereOnceWithHelp) {
  std::vector<std::string> keys;
  for (const auto& info : recipe_options()) {
    EXPECT_FALSE(info.help.empty()) << info.key;
    EXPECT_FALSE(info.default_value.empty()) << info.key;
    keys.push_back(info.key);
  }
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

}  // namespace
}  // namespace lapel
