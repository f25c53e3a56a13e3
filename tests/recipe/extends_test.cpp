#include <gtest/gtest.h>

#include "lapel/recipe.h"
#include "support/temp_folder.h"

namespace lapel {
namespace {

using testing::message_of;
using testing::TempFolder;

constexpr const char* kBase = R"(name = "base"
description = "what others begin with"
layers = [{ type = "b", name = "first", units = 7 }]
[blocks.b]
layers = [{ type = "Dense", name = "{name}", units = "{units}" }]
[data]
validation_split = 0.1
limit = 50
[train]
time_budget = "60s"
batch_size = 64
optimizer = { type = "SGD", momentum = 0.9 }
schedule = "Cosine"
)";

Recipe extended(const std::string& text) {
  const TempFolder folder;
  static_cast<void>(folder.put("base.toml", kBase));
  return read_recipe(folder.put("mine.toml", text));
}

TEST(Extends, TakesOverWhatIsNotSaid) {
  const Recipe recipe = extended("extends = \"base\"\n");
  EXPECT_EQ(recipe.name, "mine");
  EXPECT_EQ(recipe.description, "");
  EXPECT_EQ(recipe.layers.at(0).name, "first");
  EXPECT_EQ(recipe.data.validation_split, 0.1);
  EXPECT_EQ(recipe.data.limit, 50);
  EXPECT_EQ(recipe.train.time_budget, "60s");
  EXPECT_EQ(recipe.train.batch_size, 64);
  EXPECT_EQ(recipe.train.optimizer.options, (OptionValues{{"momentum", 0.9}}));
  EXPECT_EQ(recipe.train.schedule.type, "Cosine");
}

TEST(Extends, ChangesWhatIsSaid) {
  const Recipe recipe = extended(R"(extends = "base"
name = "other"
layers = [{ type = "b", name = "second", units = 5 }, { type = "Flatten" }]
[data]
limit = 9
[train]
batch_size = 8
schedule = "OneCycle"
)");
  EXPECT_EQ(recipe.name, "other");
  ASSERT_EQ(recipe.layers.size(), 2U);
  EXPECT_EQ(recipe.layers[0].name, "second");
  EXPECT_EQ(recipe.data.validation_split, 0.1);
  EXPECT_EQ(recipe.data.limit, 9);
  EXPECT_EQ(recipe.train.batch_size, 8);
  EXPECT_EQ(recipe.train.time_budget, "60s");
  EXPECT_EQ(recipe.train.schedule.type, "OneCycle");
}

TEST(Extends, EpochsTakeThePlaceOfATime) {
  const Recipe recipe = extended("extends = \"base\"\n[train]\nepochs = 3\n");
  EXPECT_EQ(recipe.train.epochs, 3);
  EXPECT_EQ(recipe.train.time_budget, "");
}

TEST(Extends, OneKindOfValidationTakesThePlaceOfTheOther) {
  const Recipe recipe = extended("extends = \"base\"\n[data]\nvalidation = \"last 5\"\n");
  EXPECT_EQ(recipe.data.validation, "last 5");
  EXPECT_EQ(recipe.data.validation_split, 0);
}

TEST(Extends, ATableWithoutATypeChangesOptions) {
  const Recipe recipe =
      extended("extends = \"base\"\n[train]\noptimizer.learning_rate = 0.5\noptimizer.momentum = 0.8\n");
  EXPECT_EQ(recipe.train.optimizer.type, "SGD");
  EXPECT_EQ(recipe.train.optimizer.options, (OptionValues{{"learning_rate", 0.5}, {"momentum", 0.8}}));
  const Recipe other = extended("extends = \"base\"\n[train.optimizer]\ntype = \"Adam\"\n");
  EXPECT_EQ(other.train.optimizer.options, OptionValues{});
}

TEST(Extends, BlocksCanBeReplaced) {
  const Recipe recipe = extended(R"(extends = "base"
layers = [{ type = "b", units = 5 }]
[blocks.b]
layers = [{ type = "Dense", name = "mine", units = "{units}" }]
)");
  EXPECT_EQ(recipe.layers.at(0).name, "mine");
}

TEST(Extends, NamesAreOfTheFoldersOfTheFileAndOfShippedRecipes) {
  const TempFolder folder;
  const TempFolder shipped;
  static_cast<void>(shipped.put("base.toml", kBase));
  static_cast<void>(folder.put("near.toml", "extends = \"base\"\n[train]\nbatch_size = 2\n"));
  const auto far = folder.put("far.toml", "extends = \"near\"\n[train]\nseed = 9\n");
  const Recipe recipe = read_recipe(far, shipped.path());
  EXPECT_EQ(recipe.train.batch_size, 2);
  EXPECT_EQ(recipe.train.seed, 9);
  EXPECT_EQ(recipe.layers.at(0).name, "first");
  EXPECT_EQ(recipe.layers.at(0).place,
            shipped.file("base.toml").string() + ":5, used at " + shipped.file("base.toml").string() + ":3");
  // A copy may have the name of its original.
  EXPECT_EQ(read_recipe(folder.put("base.toml", "extends = \"base\"\n"), shipped.path()).train.batch_size, 64);
  // By its path.
  const std::string path = shipped.file("base.toml").string();
  EXPECT_EQ(read_recipe(folder.put("path.toml", "extends = \"" + path + "\"\n")).train.batch_size, 64);
}

TEST(Extends, SourcesAreBesideTheFileThatNamesThem) {
  const TempFolder folder;
  std::filesystem::create_directories(folder.file("sub/pictures"));
  static_cast<void>(folder.put("sub/base.toml", "[data]\nsource = \"pictures\"\n[[layers]]\ntype = \"Flatten\"\n"));
  const Recipe recipe = read_recipe(folder.put("mine.toml", "extends = \"sub/base.toml\"\n[data]\nlimit = 3\n"));
  EXPECT_EQ(recipe.data.source, folder.file("sub/pictures").string());
}

std::string refusal(const std::string& text) {
  const TempFolder folder;
  static_cast<void>(folder.put("base.toml", kBase));
  static_cast<void>(folder.put("one.toml", "extends = \"two\"\n"));
  static_cast<void>(folder.put("two.toml", "# back\nextends = \"one\"\n"));
  const auto file = folder.put("mine.toml", text);
  return message_of([&] { static_cast<void>(read_recipe(file)); }, folder.path());
}

TEST(ExtendsErrors, WholeMessages) {
  EXPECT_EQ(
      refusal("extends = 3\n"),
      "[recipe] mine.toml:1: extends = 3 is not allowed\n  allowed  a text in quotes        try  extends = \"minute\"");
  EXPECT_EQ(refusal("extends = \"bas\"\n"),
            "[recipe] mine.toml:1: there is no recipe \"bas\" to extend\n"
            "  searched  bas.toml        try  extends = \"base\"");
  EXPECT_EQ(
      refusal("extends = \"quite_another\"\n"),
      "[recipe] mine.toml:1: there is no recipe \"quite_another\" to extend\n"
      "  searched  quite_another.toml        try  the path of a recipe file, or a name that `lapel recipes` lists");
  EXPECT_EQ(refusal("extends = \"mine\"\n"),
            "[recipe] mine.toml:1: there is no recipe \"mine\" to extend\n  searched  nothing but this file        "
            "try  the path of a recipe file, or a name that `lapel recipes` lists");
  EXPECT_EQ(refusal("extends = \"./mine.toml\"\n"),
            "[recipe] mine.toml:1: extends = \"./mine.toml\" leads back to ./mine.toml");
  EXPECT_EQ(refusal("extends = \"one\"\n"), "[recipe] two.toml:2: extends = \"one\" leads back to one.toml");
  EXPECT_EQ(refusal("extends = \"base\"\n[train]\noptimizer.momentun = 1\n"),
            "[recipe] mine.toml:3, optimizer SGD: unknown option \"momentun\"\n"
            "  known  learning_rate, momentum, nesterov, weight_decay        try  momentum");
  EXPECT_EQ(refusal("extends = \"base\"\nlayers = [{ type = \"b\", name = \"x\" }]\n"),
            "[recipe] mine.toml:2: block \"b\" needs a value for \"units\"\n"
            "  block  base.toml:4        try  units = ...");
  EXPECT_EQ(message_of([] { static_cast<void>(parse_recipe("extends = \"minute\"\n")); }),
            "[recipe] recipe:1: a recipe that is no file cannot extend another one\n  try  lapel::read_recipe(file)");
}

TEST(ExtendsErrors, ChainsHaveAnEnd) {
  const TempFolder folder;
  for (int i = 0; i < 300; ++i) {
    static_cast<void>(folder.put("r" + std::to_string(i) + ".toml", "extends = \"r" + std::to_string(i + 1) + "\"\n"));
  }
  EXPECT_EQ(message_of([&] { static_cast<void>(read_recipe(folder.file("r0.toml"))); }, folder.path()),
            "[recipe] r100.toml:1: recipes that extend recipes, more than 100");
}

}  // namespace
}  // namespace lapel
