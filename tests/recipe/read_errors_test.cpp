#include <gtest/gtest.h>

#include "lapel/recipe.h"
#include "support/messages.h"

namespace lapel {
namespace {

std::string refusal(std::string_view toml) {
  return test::message_of([&] { return parse_recipe(toml, "fashion.toml"); });
}

constexpr const char* kLayers = "[[layers]]\ntype = \"Flatten\"\n";

struct Case {
  const char* name;
  std::string toml;
  const char* message;
};

void PrintTo(const Case& one, std::ostream* stream) { *stream << one.name; }

class ReadErrors : public testing::TestWithParam<Case> {};

TEST_P(ReadErrors, WholeMessage) { EXPECT_EQ(refusal(GetParam().toml), GetParam().message); }

INSTANTIATE_TEST_SUITE_P(
    Toml, ReadErrors,
    testing::Values(
        Case{"syntax", "name = \"x\"\n[train\nepochs = 3\n",
             "fashion.toml:2: not TOML: Error while parsing table header: expected ']', saw '\\n'"},
        Case{"twice", "[train]\nepochs = 3\nepochs = 4\n",
             "fashion.toml:3: not TOML: Error while parsing key-value pair: cannot redefine existing integer 'epochs'"},
        Case{"no_layers", "name = \"x\"\n", "fashion.toml: the recipe has no layers\n  try  [[layers]]"},
        Case{"layers_is_a_number", "layers = 3\n",
             "fashion.toml:1: \"layers\" is not a list of tables\n  try  [[layers]]"},
        Case{"train_is_a_number", std::string("train = 3\n") + kLayers,
             "fashion.toml:1: \"train\" is not a section\n  try  [train]"}));

INSTANTIATE_TEST_SUITE_P(
    Keys, ReadErrors,
    testing::Values(
        Case{"top", std::string("nmae = \"x\"\n") + kLayers,
             "fashion.toml:1: unknown key \"nmae\"\n  known  name, description, data, layers, train, blocks, extends   "
             "     try  name"},
        Case{"train", std::string(kLayers) + "[train]\nbatch_size = 8\nepohcs = 3\n",
             "fashion.toml:5: unknown key \"epohcs\" in [train]\n"
             "  known  epochs, batch_size, precision, shuffle, sampling, mirroring, seed, threads, time_budget, "
             "use_ema, ema_momentum, "
             "ema_frequency, ema_overwrite_frequency, lookahead_sync_period, lookahead_slow_step_size, lookahead_ramp, "
             "ensemble, test_time_augmentation, loss, optimizer, schedule, class_weight, groups, "
             "callbacks        "
             "try  epochs"},
        Case{"data", std::string(kLayers) + "[data]\nfolder = \"x\"\n",
             "fashion.toml:4: unknown key \"folder\" in [data]\n"
             "  known  source, test_source, image_size, largest_size, fit, color_mode, background, test_split, "
             "split_seed, "
             "validation, validation_split, limit, ignore"},
        Case{"layer", std::string(kLayers) + "\n[[layers]]\ntype = \"Dense\"\nunits = 3\nactivaton = \"relu\"\n",
             "fashion.toml:7, layer 'dense' (Dense): unknown key \"activaton\"\n"
             "  known  units, activation, use_bias, type, name, inputs, repeat        try  activation"},
        Case{"optimizer", std::string(kLayers) + "[train.optimizer]\ntype = \"SGD\"\nmomentun = 0.9\n",
             "fashion.toml:5, optimizer SGD: unknown option \"momentun\"\n"
             "  known  learning_rate, momentum, nesterov, weight_decay        try  momentum"}));

INSTANTIATE_TEST_SUITE_P(
    Values, ReadErrors,
    testing::Values(
        Case{"type", std::string(kLayers) + "[train]\nepochs = \"3\"\n",
             "fashion.toml:4: epochs = \"3\" is not allowed\n  allowed  an integer        try  epochs = 1"},
        Case{"float", std::string(kLayers) + "[train]\nepochs = 3.0\n",
             "fashion.toml:4: epochs = 3.0 is not allowed\n  allowed  an integer        try  epochs = 1"},
        Case{"range", std::string(kLayers) + "[train]\nepochs = 0\n",
             "fashion.toml:4: epochs = 0 is not allowed\n"
             "  allowed  at least 1 and at most 1000000        try  epochs = 1"},
        Case{"choice", std::string(kLayers) + "[train]\nprecision = \"bf16\"\n",
             "fashion.toml:4: precision = \"bf16\" is not allowed\n"
             "  allowed  \"float32\", \"bfloat16\" or \"auto\"        try  precision = \"float32\""},
        Case{"table", std::string(kLayers) + "[train]\nepochs = { a = 1 }\n",
             "fashion.toml:4: epochs = {...} is not allowed\n  allowed  an integer        try  epochs = 1"},
        Case{"date", std::string("name = 2024-01-01\n") + kLayers,
             "fashion.toml:1: name = a date or time is not allowed\n"
             "  allowed  a text in quotes        try  name = \"model\""},
        Case{"name", std::string("name = \"a/b\"\n") + kLayers,
             "fashion.toml:1: name = \"a/b\" is not allowed\n"
             "  allowed  a text that can be the name of a folder        try  name = \"model\""},
        Case{"nan", std::string(kLayers) + "[train]\noptimizer = { type = \"SGD\", learning_rate = nan }\n",
             "fashion.toml:4, optimizer SGD: learning_rate = nan is not allowed\n"
             "  allowed  at least 0        try  learning_rate = 0.01"},
        Case{"no_type", std::string(kLayers) + "[train]\noptimizer = { learning_rate = 0.1 }\n",
             "fashion.toml:4: optimizer has no type\n"
             "  allowed  a text in quotes, or a table with a type        try  optimizer = { type = \"SGD\" }"},
        Case{"both_validations", std::string(kLayers) + "[data]\nvalidation = \"last 5\"\nvalidation_split = 0.1\n",
             "fashion.toml:5, data: both validation and validation_split are given\n"
             "  validation  \"last 5\"        validation_split  0.1        try  one of them"}));

INSTANTIATE_TEST_SUITE_P(
    Layers, ReadErrors,
    testing::Values(Case{"no_type", "[[layers]]\nname = \"x\"\n",
                         "fashion.toml:1: a layer without a type\n  try  type = \"Dense\""},
                    Case{"missing", "[[layers]]\ntype = \"Dense\"\nname = \"d\"\n",
                         "fashion.toml:1, layer 'd' (Dense): option \"units\" is missing\n"
                         "  try  units = ...   (numbers it gives for each vector; 0: as many as the data has classes)"},
                    Case{"value", "[[layers]]\ntype = \"Conv2D\"\nfilters = 3\nkernel_size = [1, \"a\"]\n",
                         "fashion.toml:4, layer 'conv2d' (Conv2D): kernel_size = [1, \"a\"] is not allowed\n"
                         "  allowed  an integer or a list of two integers"},
                    Case{"inputs", "[[layers]]\ntype = \"Flatten\"\ninputs = \"x\"\n",
                         "fashion.toml:3: inputs = \"x\" is not allowed\n"
                         "  allowed  a list of names of layers        try  inputs = [\"conv2d\", \"conv2d_1\"]"},
                    Case{"shape", "[[layers]]\ntype = \"Input\"\nshape = [28, \"x\"]\n",
                         "fashion.toml:3, layer 'input_layer' (Input): shape = [28, \"x\"] is not allowed\n"
                         "  allowed  a list of integers"},
                    Case{"same_name",
                         "[[layers]]\ntype = \"Flatten\"\nname = \"x\"\n[[layers]]\ntype = \"Flatten\"\nname = \"x\"\n",
                         "fashion.toml:4, layer 'x' (Flatten): another layer has this name\n"
                         "  the other  fashion.toml:1        try  name = \"x_1\""}));

}  // namespace
}  // namespace lapel
