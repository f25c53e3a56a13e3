#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "lapel/recipe.h"
#include "layers/layer.h"
#include "model/names.h"
#include "model/views.h"
#include "support/samples.h"
#include "train/callbacks/callback_type.h"
#include "train/options.h"

namespace lapel {
namespace {

TEST(WriteRecipe, Golden) {
  const Recipe recipe = parse_recipe(
      "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 3\n[train]\noptimizer = \"SGD\"\n");
  EXPECT_EQ(write_recipe(recipe), R"(name = "model"
description = ""

[data]
source = "fashion-mnist"
test_source = ""
image_size = [0, 0]
largest_size = 0
fit = "stretch"
color_mode = "auto"
background = "auto"
test_split = 0.15
split_seed = 1
validation = ""
validation_split = 0.0
limit = 0
ignore = []

[[layers]]
type = "Flatten"
name = "flatten"

[[layers]]
type = "Dense"
name = "dense"
units = 3
activation = "linear"
use_bias = true

[train]
epochs = 1
batch_size = 32
precision = "float32"
shuffle = true
sampling = "all"
mirroring = "keep"
seed = 1
threads = 0
time_budget = ""
use_ema = false
ema_momentum = 0.99
ema_frequency = 1
ema_overwrite_frequency = 0
lookahead_sync_period = 0
lookahead_slow_step_size = 0.5
lookahead_ramp = 0.0
ensemble = 1
test_time_augmentation = "none"
loss = { type = "sparse_categorical_crossentropy", label_smoothing = 0.0 }
optimizer = { type = "SGD", learning_rate = 0.01, momentum = 0.0, nesterov = false, weight_decay = 0.0 }
schedule = { type = "Constant", warmup_epochs = 0.0, warmup_fraction = 0.0 }
class_weight = "none"
groups = []
)");
}

TEST(WriteRecipe, CallbacksHaveTablesOfTheirOwn) {
  Recipe recipe = parse_recipe("[[layers]]\ntype = \"Flatten\"\n");
  recipe.train.callbacks = {{"EarlyStopping", {{"patience", std::int64_t{3}}}, {}},
                            {"ModelCheckpoint", {{"filepath", "a.safetensors"}, {"save_freq", std::int64_t{50}}}, {}}};
  const std::string text = write_recipe(recipe);
  EXPECT_EQ(text.substr(text.find("groups")), R"(groups = []

[[train.callbacks]]
type = "EarlyStopping"
monitor = "val_loss"
mode = "auto"
min_delta = 0.0
patience = 3
baseline = "none"
restore_best_weights = false
start_from_epoch = 0

[[train.callbacks]]
type = "ModelCheckpoint"
filepath = "a.safetensors"
monitor = "val_loss"
mode = "auto"
save_best_only = false
save_freq = 50
)");
  EXPECT_EQ(write_recipe(parse_recipe(text)), text);
  set_option(recipe,
             "train.callbacks=[{ type = \"ModelCheckpoint\", filepath = \"b.safetensors\", save_freq = \"epoch\" }]");
  EXPECT_EQ(recipe.train.callbacks.size(), 1U);
  set_option(recipe, "train.callbacks=[]");
  EXPECT_TRUE(recipe.train.callbacks.empty());
}

TEST(ParseRecipe, DefaultsAreKerass) {
  const Recipe recipe = parse_recipe("[[layers]]\ntype = \"Flatten\"\n");
  EXPECT_EQ(recipe.train.epochs, 1);
  EXPECT_EQ(recipe.train.batch_size, 32);
  EXPECT_EQ(recipe.train.optimizer.type, "Adam");
  EXPECT_TRUE(recipe.train.shuffle);
  EXPECT_EQ(recipe.data.validation_split, 0);
}

TEST(ParseRecipe, InlineTablesAndSectionsAreTheSame) {
  const Recipe sections = parse_recipe(
      "[[layers]]\ntype = \"Dense\"\nunits = 3\n[train.optimizer]\ntype = \"SGD\"\nmomentum = 1\n"
      "[train]\nepochs = 2\n");
  const Recipe inlined = parse_recipe(
      "layers = [{ type = \"Dense\", units = 3 }]\n"
      "train = { epochs = 2, optimizer = { type = \"SGD\", momentum = 1.0 } }\n");
  EXPECT_EQ(write_recipe(sections), write_recipe(inlined));
}

TEST(ParseRecipe, PlacesAreLines) {
  const Recipe recipe = parse_recipe(
      "[[layers]]\ntype = \"Flatten\"\n\n[[layers]]\ntype = \"Dense\"\nunits = 3\n[train]\n\noptimizer = \"SGD\"\n",
      "a");
  EXPECT_EQ(recipe.layers[0].place, "a:1");
  EXPECT_EQ(recipe.layers[1].place, "a:4");
  EXPECT_EQ(recipe.train.optimizer.place, "a:9");
  EXPECT_EQ(recipe.train.loss.place, "");
}

/// A value that `rule` allows.
OptionValue any_value(const OptionRule& rule) {
  const double low = rule.min.value_or(-1e6);
  const double high = std::min(rule.max.value_or(1e6), 1e6);
  const auto integer = [&] {
    const auto end = static_cast<std::int64_t>(std::min(high, 999.0)) + 1;
    return *rc::gen::inRange<std::int64_t>(static_cast<std::int64_t>(low), end);
  };
  if (rule.pair) {
    return std::vector<std::int64_t>{integer(), integer()};
  }
  if (!rule.choices.empty()) {
    return std::string(*rc::gen::elementOf(rule.choices));
  }
  if (std::holds_alternative<bool>(rule.default_value)) {
    return *rc::gen::arbitrary<bool>();
  }
  if (std::holds_alternative<std::int64_t>(rule.default_value)) {
    return integer();
  }
  if (std::holds_alternative<NumberRange>(rule.default_value)) {
    const double share = *rc::gen::inRange(1, 1'000'003) / 1'000'003.0;
    return NumberRange{low + share * (high - low) / 2, high};
  }
  if (std::holds_alternative<double>(rule.default_value)) {
    const double share = *rc::gen::inRange(1, 1'000'003) / 1'000'003.0;
    return low + share * (high - low);
  }
  return rule.default_value;
}

OptionValues any_values(std::span<const OptionRule> rules) {
  OptionValues values;
  for (const auto& rule : rules) {
    if (*rc::gen::arbitrary<bool>()) {
      values.emplace(rule.key, any_value(rule));
    }
  }
  return values;
}

TypedSpec any_typed(std::span<const training::TypeEntry> types) {
  const auto& type = types[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(types.size())))];
  return {std::string(type.type), any_values(type.rules), {}};
}

/// Printable text with the characters that TOML must escape.
std::string any_text() {
  return *rc::gen::container<std::string>(rc::gen::oneOf(rc::gen::inRange<char>(1, 127), rc::gen::just('"'),
                                                         rc::gen::just('\\'), rc::gen::just('\n'),
                                                         rc::gen::just('\x7f')));
}

std::vector<LayerSpec> any_layers() {
  std::vector<LayerSpec> layers;
  const int count = *rc::gen::inRange(1, 6);
  for (int i = 0; i < count; ++i) {
    const auto types = layers::layer_types();
    const auto& type = types[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(types.size())))];
    LayerSpec spec{std::string(type.type), {}, {}, any_values(type.rules), {}};
    for (const auto& [key, value] : test::sample_options(type)) {
      spec.options.emplace(key, value);
    }
    if (type.type == "Input") {
      spec.options = test::sample_options(type);
    }
    if (*rc::gen::arbitrary<bool>()) {
      spec.name = "layer." + std::to_string(i);
      spec.inputs = {"layer.0", "other_1"};
    }
    layers.push_back(spec);
  }
  return layers;
}

/// One that could be: names of files are those of a run, and what does not go together is left out.
TypedSpec any_callback() {
  TypedSpec spec = any_typed(training::callback_types());
  if (spec.type == "ModelCheckpoint") {
    spec.options.erase("save_best_only");
    spec.options["filepath"] = "{epoch:03d}.safetensors";
  } else if (spec.type == "CSVLogger") {
    spec.options["filename"] = "log.csv";
  }
  return spec;
}

Recipe any_recipe() {
  Recipe recipe;
  recipe.description = any_text();
  recipe.data.source = any_text();
  if (*rc::gen::arbitrary<bool>()) {
    recipe.data.validation_split = *rc::gen::inRange(0, 1000) / 1000.0;
  } else {
    recipe.data.validation = "last " + std::to_string(*rc::gen::inRange(1, 100'000));
  }
  for (int i = 0; i < *rc::gen::inRange(0, 3); ++i) {
    recipe.data.ignore.push_back(any_text());
  }
  recipe.layers = any_layers();
  recipe.train.epochs = *rc::gen::inRange(1, 1000);
  recipe.train.seed = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 53);
  recipe.train.shuffle = *rc::gen::arbitrary<bool>();
  recipe.train.loss = any_typed(training::loss_types());
  recipe.train.optimizer = any_typed(training::optimizer_types());
  recipe.train.schedule = any_typed(training::schedule_types());
  recipe.train.test_time_augmentation = std::string(*rc::gen::elementOf(model::test_time_augmentations()));
  recipe.train.time_budget = *rc::gen::elementOf(std::vector<std::string>{"", "60s", "1.5h"});
  recipe.train.use_ema = *rc::gen::arbitrary<bool>();
  recipe.train.ema_frequency = *rc::gen::inRange(1, 50);
  recipe.train.class_weight.balanced = *rc::gen::arbitrary<bool>();
  const int weights = recipe.train.class_weight.balanced ? 0 : *rc::gen::inRange(0, 3);
  for (int i = 0; i < weights; ++i) {
    recipe.train.class_weight.by_name[any_text()] = *rc::gen::inRange(0, 1000) / 8.0;
  }
  const int groups = *rc::gen::inRange(0, 3);
  for (int i = 0; i < groups; ++i) {
    recipe.train.groups.push_back(
        {any_text(), *rc::gen::inRange(0, 1000) / 8.0, *rc::gen::inRange(0, 1000) / 64.0, *rc::gen::arbitrary<bool>()});
  }
  const int callbacks = *rc::gen::inRange(0, 4);
  for (int i = 0; i < callbacks; ++i) {
    recipe.train.callbacks.push_back(any_callback());
  }
  return recipe;
}

void expect_same_typed(std::string_view what, std::span<const training::TypeEntry> types, const TypedSpec& spec,
                       const TypedSpec& again) {
  RC_ASSERT(again.type == spec.type);
  RC_ASSERT(again.options == training::resolved(what, types, spec).options);
}

/// Reading what was written gives the same recipe, with defaults and names written out.
TEST(RoundTrip, EveryRecipeComesBack) {
  EXPECT_TRUE(rc::check([] {
    const Recipe recipe = any_recipe();
    const std::string text = write_recipe(recipe);
    const Recipe again = parse_recipe(text);
    RC_ASSERT(again.name == recipe.name);
    RC_ASSERT(again.description == recipe.description);
    RC_ASSERT(again.data.source == recipe.data.source);
    RC_ASSERT(again.data.validation == recipe.data.validation);
    RC_ASSERT(again.data.ignore == recipe.data.ignore);
    RC_ASSERT(again.data.validation_split == recipe.data.validation_split);
    const auto names = model::layer_names(recipe.layers);
    RC_ASSERT(again.layers.size() == recipe.layers.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      RC_ASSERT(again.layers[i].type == recipe.layers[i].type);
      RC_ASSERT(again.layers[i].name == names[i]);
      RC_ASSERT(again.layers[i].inputs == recipe.layers[i].inputs);
      RC_ASSERT(again.layers[i].options ==
                layers::make_layer(recipe.layers[i].type, recipe.layers[i].options)->options());
    }
    RC_ASSERT(again.train.epochs == recipe.train.epochs);
    RC_ASSERT(again.train.seed == recipe.train.seed);
    RC_ASSERT(again.train.shuffle == recipe.train.shuffle);
    RC_ASSERT(again.train.time_budget == recipe.train.time_budget);
    RC_ASSERT(again.train.test_time_augmentation == recipe.train.test_time_augmentation);
    RC_ASSERT(again.train.use_ema == recipe.train.use_ema);
    RC_ASSERT(again.train.ema_frequency == recipe.train.ema_frequency);
    RC_ASSERT(again.train.callbacks.size() == recipe.train.callbacks.size());
    for (std::size_t i = 0; i < recipe.train.callbacks.size(); ++i) {
      RC_ASSERT(training::make_callback(again.train.callbacks[i], {}) != nullptr);
      RC_ASSERT(write_recipe(again) == text);
    }
    RC_ASSERT(again.train.class_weight.balanced == recipe.train.class_weight.balanced);
    RC_ASSERT(again.train.class_weight.by_name == recipe.train.class_weight.by_name);
    RC_ASSERT(again.train.groups.size() == recipe.train.groups.size());
    for (std::size_t i = 0; i < again.train.groups.size(); ++i) {
      RC_ASSERT(again.train.groups[i].match == recipe.train.groups[i].match);
      RC_ASSERT(again.train.groups[i].learning_rate == recipe.train.groups[i].learning_rate);
      RC_ASSERT(again.train.groups[i].weight_decay == recipe.train.groups[i].weight_decay);
      RC_ASSERT(again.train.groups[i].muon == recipe.train.groups[i].muon);
    }
    expect_same_typed("loss", training::loss_types(), recipe.train.loss, again.train.loss);
    expect_same_typed("optimizer", training::optimizer_types(), recipe.train.optimizer, again.train.optimizer);
    expect_same_typed("schedule", training::schedule_types(), recipe.train.schedule, again.train.schedule);
    RC_ASSERT(write_recipe(again) == text);
  }));
}

}  // namespace
}  // namespace lapel
