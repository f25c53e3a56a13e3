#include <gtest/gtest.h>

#include "lapel/recipe.h"
#include "support/messages.h"
#include "train/options.h"

namespace lapel {
namespace {

Recipe sample() {
  return parse_recipe(R"(
name = "x"
[data]
validation = "last 5000"
[[layers]]
type = "Flatten"
[[layers]]
type = "Dense"
units = 300
[[layers]]
type = "Dense"
name = "head.v1"
units = 10
[train]
optimizer = { type = "Adam", beta_1 = 0.8 }
)");
}

Recipe with(const std::vector<std::string>& assignments) {
  Recipe recipe = sample();
  for (const auto& assignment : assignments) {
    set_option(recipe, assignment);
  }
  return recipe;
}

TEST(SetOption, Scalars) {
  const Recipe recipe = with({"train.epochs=3", " train.shuffle = false ", "name=foo", "data.limit=100",
                              "data.source=/a folder/b", "train.precision=\"auto\"", "description=3 epochs"});
  EXPECT_EQ(recipe.train.epochs, 3);
  EXPECT_FALSE(recipe.train.shuffle);
  EXPECT_EQ(recipe.name, "foo");
  EXPECT_EQ(recipe.data.limit, 100);
  EXPECT_EQ(recipe.data.source, "/a folder/b");
  EXPECT_EQ(recipe.train.precision, "auto");
  EXPECT_EQ(recipe.description, "3 epochs");
  EXPECT_EQ(recipe.train.optimizer.type, "Adam");
  EXPECT_EQ(recipe.layers.size(), 3U);
}

TEST(SetOption, GroupsAreReplacedAsAWhole) {
  const Recipe recipe = with({"train.groups=[{ match = \"*/bias\", weight_decay = 0 }, { match = \"a\" }]"});
  ASSERT_EQ(recipe.train.groups.size(), 2U);
  EXPECT_EQ(recipe.train.groups[0].match, "*/bias");
  EXPECT_EQ(recipe.train.groups[0].weight_decay, 0);
  EXPECT_EQ(recipe.train.groups[0].learning_rate, 1);
  EXPECT_EQ(
      test::message_of([] { return with({"train.groups=3"}); }),
      "--set train.groups=3: groups = 3 is not allowed\n  allowed  a list of tables        try  groups = [{ match = "
      "\"*/bias\", weight_decay = 0 }]");
  EXPECT_EQ(test::message_of([] { return with({"train.groups=[{ weight_decay = 0 }]"}); }),
            "--set train.groups=[{ weight_decay = 0 }]: option \"match\" is missing\n  try  match = ...   (pattern of "
            "weights' names, as \"*/bias\": * stands for any characters, ? for one)");
}

TEST(SetOption, ClassWeightsAreAWordOrATable) {
  EXPECT_TRUE(with({"train.class_weight=balanced"}).train.class_weight.balanced);
  const auto named = with({"train.class_weight={ \"T-shirt/top\" = 2, 7 = 0.5 }"}).train.class_weight;
  EXPECT_FALSE(named.balanced);
  EXPECT_EQ(named.by_name, (std::map<std::string, double, std::less<>>{{"T-shirt/top", 2}, {"7", 0.5}}));
  EXPECT_TRUE(with({"train.class_weight={ a = 2 }", "train.class_weight=none"}).train.class_weight.by_name.empty());
  EXPECT_EQ(test::message_of([] { return with({"train.class_weight=even"}); }),
            "--set train.class_weight=even: class_weight = \"even\" is not allowed\n"
            "  allowed  \"none\", \"balanced\", or a table of classes        "
            "try  class_weight = { cat = 2, dog = 1 }");
  EXPECT_EQ(test::message_of([] { return with({"train.class_weight={ cat = -1 }"}); }),
            "--set train.class_weight={ cat = -1 }: class_weight: \"cat\" = -1 is not allowed\n"
            "  allowed  at least 0        try  1, as of classes that are not named");
}

TEST(SetOption, ADateIsATextHere) { EXPECT_EQ(with({"name=2024-01-01"}).name, "2024-01-01"); }

TEST(SetOption, AnotherOptimizerBeginsWithItsDefaults) {
  EXPECT_EQ(with({"train.optimizer=SGD"}).train.optimizer.options, OptionValues{});
  EXPECT_EQ(with({"train.optimizer.type=SGD"}).train.optimizer.type, "SGD");
  EXPECT_EQ(with({"train.optimizer.type=SGD"}).train.optimizer.options, OptionValues{});
  EXPECT_EQ(with({"train.optimizer.type=Adam"}).train.optimizer.options, (OptionValues{{"beta_1", 0.8}}));
  EXPECT_EQ(with({"train.optimizer.learning_rate=1"}).train.optimizer.options,
            (OptionValues{{"beta_1", 0.8}, {"learning_rate", 1.0}}));
  EXPECT_EQ(with({"train.optimizer.type=SGD", "train.optimizer.momentum=0.9"}).train.optimizer.options,
            (OptionValues{{"momentum", 0.9}}));
  EXPECT_EQ(with({"train.optimizer={type=\"SGD\", nesterov=true}"}).train.optimizer.options,
            (OptionValues{{"nesterov", true}}));
  EXPECT_EQ(with({"train.schedule=OneCycle"}).train.schedule.type, "OneCycle");
  EXPECT_EQ(with({"train.loss.label_smoothing=0.1"}).train.loss.options, (OptionValues{{"label_smoothing", 0.1}}));
}

TEST(SetOption, LayersByName) {
  const Recipe recipe = with({"layers.dense.units=64", "layers.head.v1.activation=softmax"});
  EXPECT_EQ(recipe.layers[1].options, (OptionValues{{"units", std::int64_t{64}}}));
  EXPECT_EQ(recipe.layers[2].options, (OptionValues{{"units", std::int64_t{10}}, {"activation", "softmax"}}));
}

TEST(SetOption, OneKindOfValidationReplacesTheOther) {
  const Recipe split = with({"data.validation_split=0.1"});
  EXPECT_EQ(split.data.validation, "");
  EXPECT_EQ(split.data.validation_split, 0.1);
  const Recipe last = with({"data.validation_split=0.1", "data.validation=last 100"});
  EXPECT_EQ(last.data.validation, "last 100");
  EXPECT_EQ(last.data.validation_split, 0);
}

TEST(SetOption, TheOrderOfLimitAndValidationDoesNotMatter) {
  const Recipe recipe = with({"data.limit=100", "data.validation=last 10"});
  EXPECT_EQ(recipe.data.limit, 100);
  EXPECT_EQ(recipe.data.validation, "last 10");
}

std::string refusal(const std::string& assignment) {
  Recipe recipe = sample();
  const std::string before = write_recipe(recipe);
  std::string message = test::message_of([&] {
    set_option(recipe, assignment);
    return 0;
  });
  EXPECT_EQ(write_recipe(recipe), before) << "a refused assignment changed the recipe";
  return message;
}

TEST(SetOptionErrors, WholeMessages) {
  EXPECT_EQ(refusal("train.epochs=x"),
            "--set train.epochs=x: epochs = \"x\" is not allowed\n  allowed  an integer        try  epochs = 1");
  EXPECT_EQ(refusal("train.epochs"), "--set train.epochs: not of the form key=value\n  try  train.epochs=3");
  EXPECT_EQ(refusal("train.epohcs=3"),
            "--set train.epohcs=3: unknown key \"train.epohcs\"\n"
            "  known  epochs, batch_size, precision, shuffle, sampling, mirroring, seed, threads, time_budget, "
            "use_ema, ema_momentum, "
            "ema_frequency, ema_overwrite_frequency, lookahead_sync_period, lookahead_slow_step_size, lookahead_ramp, "
            "ensemble, test_time_augmentation, loss, optimizer, schedule, class_weight, groups, "
            "callbacks        "
            "try  train.epochs");
  EXPECT_EQ(refusal("epochs=3"),
            "--set epochs=3: unknown key \"epochs\"\n  known  name, description, data, layers, train        try  "
            "train.epochs");
  EXPECT_EQ(refusal("layers.dens.units=3"),
            "--set layers.dens.units=3: unknown key \"layers.dens.units\"\n"
            "  known  flatten, dense, head.v1        try  layers.dense.units");
  EXPECT_EQ(refusal("layers.dense.unit=3"),
            "--set layers.dense.unit=3: unknown key \"layers.dense.unit\"\n"
            "  known  units, activation, use_bias        try  layers.dense.units");
  EXPECT_EQ(refusal("layers.dense.units=-1"),
            "--set layers.dense.units=-1: units = -1 is not allowed\n  allowed  at least 0 and at most 1000000");
  EXPECT_EQ(refusal("train.optimizer=SDG"), "--set train.optimizer=SDG: unknown optimizer \"SDG\"\n  known  " +
                                                test::types_of(training::optimizer_types()) + "        try  SGD");
  EXPECT_EQ(refusal("train.optimizer.momentum=1"),
            "--set train.optimizer.momentum=1: unknown key \"train.optimizer.momentum\"\n"
            "  known  type, learning_rate, beta_1, beta_2, epsilon");
  EXPECT_EQ(refusal("train.optimizer.beta_1=1"),
            "--set train.optimizer.beta_1=1, optimizer Adam: beta_1 = 1 is not allowed\n"
            "  allowed  at least 0 and below 1        try  beta_1 = 0.9");
  EXPECT_EQ(refusal("train.epochs=[1"),
            "--set train.epochs=[1: not a TOML value: Error while parsing array: encountered end-of-file");
  EXPECT_EQ(
      refusal("data.validation=first 3"),
      "--set data.validation=first 3, data: validation = \"first 3\" is not allowed\n"
      "  allowed  \"last N\", \"stratified N\" or \"random N\", where N is a number, at least 1, or a share, as 10%"
      "        try  validation = \"stratified 10%\"");
  EXPECT_EQ(refusal("name="),
            "--set name=: name = \"\" is not allowed\n"
            "  allowed  a text that can be the name of a folder        try  name = \"model\"");
}

TEST(SetOption, OfEpochsAndATimeTheLaterDecides) {
  const Recipe epochs = with({"train.time_budget=60s", "train.epochs=3"});
  EXPECT_EQ(epochs.train.epochs, 3);
  EXPECT_EQ(epochs.train.time_budget, "");
  EXPECT_EQ(with({"train.epochs=3", "train.time_budget=60s"}).train.time_budget, "60s");
}

TEST(SetOptionErrors, OnlyOneValueIsTaken) {
  EXPECT_NE(refusal("train.epochs=3\nbatch_size = 7"), "no error");
  EXPECT_EQ(with({"description=a\nb = 3"}).description, "a\nb = 3");
}

}  // namespace
}  // namespace lapel
