#include <gtest/gtest.h>

#include "lapel/recipe.h"
#include "support/messages.h"

namespace lapel {
namespace {

const std::string kConv = R"([blocks.conv]
defaults = { activation = "relu" }
layers = [
  { type = "Conv2D", name = "{name}", filters = "{filters}", kernel_size = 3, padding = "same" },
  { type = "Activation", name = "{name}_{activation}", activation = "{activation}" },
]
)";
const std::string kResidual = R"([blocks.residual]
layers = [
  { type = "conv", name = "{name}_a", filters = "{filters}" },
  { type = "conv", name = "{name}_b", filters = "{filters}" },
  { type = "Add", name = "{name}", inputs = ["{input}", "{name}_b_relu"] },
]
)";

Recipe with_layers(const std::string& layers, const std::string& rest) {
  return parse_recipe("layers = [\n" + layers + "]\n" + rest, "fashion.toml");
}

std::string refusal(const std::string& layers, const std::string& rest) {
  return test::message_of([&] { return with_layers(layers, rest); });
}

/// `type name(input, input)` of each layer, a line each.
std::string outline(const Recipe& recipe) {
  std::string text;
  for (const auto& layer : recipe.layers) {
    std::string inputs;
    for (const auto& input : layer.inputs) {
      inputs += (inputs.empty() ? "" : ", ") + input;
    }
    text += layer.type + " " + layer.name + "(" + inputs + ")\n";
  }
  return text;
}

TEST(Blocks, StandForTheirLayers) {
  const Recipe recipe =
      with_layers("{ type = \"conv\", name = \"c1\", filters = 8 },\n{ type = \"Flatten\" },\n", kConv);
  EXPECT_EQ(outline(recipe), "Conv2D c1()\nActivation c1_relu()\nFlatten ()\n");
  EXPECT_EQ(recipe.layers[0].options,
            (OptionValues{
                {"filters", std::int64_t{8}}, {"kernel_size", std::vector<std::int64_t>{3, 3}}, {"padding", "same"}}));
  EXPECT_EQ(recipe.layers[1].options, (OptionValues{{"activation", "relu"}}));
  EXPECT_EQ(recipe.layers[0].place, "fashion.toml:8, used at fashion.toml:2");
  EXPECT_EQ(recipe.layers[2].place, "fashion.toml:3");
}

TEST(Blocks, AreTheSameModelAsTheirLayersWrittenOut) {
  const Recipe block = with_layers("{ type = \"conv\", name = \"c1\", filters = 8, activation = \"gelu\" },\n", kConv);
  const Recipe plain = parse_recipe(R"(
[[layers]]
type = "Conv2D"
name = "c1"
filters = 8
kernel_size = 3
padding = "same"
[[layers]]
type = "Activation"
name = "c1_gelu"
activation = "gelu"
)");
  EXPECT_EQ(write_recipe(block), write_recipe(plain));
}

TEST(Blocks, TakeTheLayerBeforeThemAsInput) {
  const Recipe recipe = with_layers(
      "{ type = \"conv\", name = \"c\", filters = 8 },\n{ type = \"residual\", name = \"r\", filters = 8, repeat = 2 "
      "},\n",
      kConv + kResidual);
  EXPECT_EQ(
      outline(recipe),
      "Conv2D c()\nActivation c_relu()\n"
      "Conv2D r_1_a()\nActivation r_1_a_relu()\nConv2D r_1_b()\nActivation r_1_b_relu()\nAdd r_1(c_relu, r_1_b_relu)\n"
      "Conv2D r_2_a()\nActivation r_2_a_relu()\nConv2D r_2_b()\nActivation r_2_b_relu()\nAdd r_2(r_1, r_2_b_relu)\n");
  EXPECT_EQ(recipe.layers[2].place, "fashion.toml:8, used at fashion.toml:3");
}

TEST(Blocks, TakeTheInputThatIsNamed) {
  const Recipe recipe = with_layers(
      "{ type = \"conv\", name = \"c\", filters = 8 },\n{ type = \"Dropout\", rate = 0.1 },\n"
      "{ type = \"residual\", name = \"r\", filters = 8, inputs = [\"c\"] },\n",
      kConv + kResidual);
  EXPECT_EQ(recipe.layers[3].name, "r_a");
  EXPECT_EQ(recipe.layers[3].inputs, std::vector<std::string>{"c"});
  EXPECT_EQ(recipe.layers.back().inputs, (std::vector<std::string>{"c", "r_b_relu"}));
}

TEST(Blocks, TakeALayerWithoutANameAsInput) {
  const Recipe recipe =
      with_layers("{ type = \"Flatten\" },\n{ type = \"Flatten\" },\n{ type = \"twice\" },\n",
                  "[blocks.twice]\nlayers = [{ type = \"Dense\", name = \"d\", units = 3 }, { type = \"Add\", inputs = "
                  "[\"d\", \"{input}\"] }]\n");
  EXPECT_EQ(recipe.layers.back().inputs, (std::vector<std::string>{"d", "flatten_1"}));
}

TEST(Blocks, FillInAnyKindOfValue) {
  const Recipe recipe =
      with_layers("{ type = \"b\", layer = \"Conv2D\", size = [3, 5], bias = false, filters = 2, key = \"k\" },\n",
                  "[blocks.b]\nlayers = [{ type = \"{layer}\", kernel_size = \"{size}\", use_bias = \"{bias}\", "
                  "filters = \"{filters}\", "
                  "name = \"{key}{filters}\" }]\n");
  EXPECT_EQ(recipe.layers[0].name, "k2");
  EXPECT_EQ(recipe.layers[0].options,
            (OptionValues{
                {"filters", std::int64_t{2}}, {"kernel_size", std::vector<std::int64_t>{3, 5}}, {"use_bias", false}}));
}

TEST(Blocks, ALayerCanBeRepeatedToo) {
  EXPECT_EQ(
      outline(with_layers("{ type = \"Dense\", units = 3, repeat = 2 },\n{ type = \"Dense\", name = \"d\", units = 3, "
                          "repeat = 2, inputs = [\"dense\"] },\n",
                          "")),
      "Dense ()\nDense ()\nDense d_1(dense)\nDense d_2()\n");
}

TEST(Blocks, OfTenThousandLayersAreRead) {
  EXPECT_EQ(with_layers("{ type = \"b\", repeat = 5000 },\n",
                        "[blocks.b]\nlayers = [{ type = \"Flatten\" }, { type = \"Dense\", units = 1 }]\n")
                .layers.size(),
            10'000U);
}

struct Case {
  const char* name;
  std::string layers;
  std::string rest;
  const char* message;
};

void PrintTo(const Case& one, std::ostream* stream) { *stream << one.name; }

class BlockErrors : public testing::TestWithParam<Case> {};

TEST_P(BlockErrors, WholeMessage) { EXPECT_EQ(refusal(GetParam().layers, GetParam().rest), GetParam().message); }

const std::string kUse = "{ type = \"b\" },\n";

INSTANTIATE_TEST_SUITE_P(
    Uses, BlockErrors,
    testing::Values(
        Case{"unknown_parameter", "{ type = \"conv\", name = \"c\", filers = 8 },\n", kConv,
             "fashion.toml:2: block \"conv\" has no parameter \"filers\"\n"
             "  parameters  activation, filters, name        try  filters"},
        Case{"missing_parameter", "{ type = \"conv\", name = \"c\" },\n", kConv,
             "fashion.toml:2: block \"conv\" needs a value for \"filters\"\n"
             "  block  fashion.toml:4        try  filters = ..."},
        Case{"within_a_block", "{ type = \"residual\", name = \"r\", filters = 8 },\n",
             kConv + "[blocks.residual]\nlayers = [\n{ type = \"conv\", name = \"{name}\", filters = \"{filters}\", "
                     "dropout = 3 },\n]\n",
             "fashion.toml:12, used at fashion.toml:2: block \"conv\" has no parameter \"dropout\"\n"
             "  parameters  activation, filters, name"},
        Case{"type", "{ type = \"cnv\" },\n", kConv,
             "fashion.toml:2: \"cnv\" is neither a layer type nor a block\n"
             "  blocks  conv        layer types  lapel train --help lists them        try  conv"},
        Case{"option", "{ type = \"conv\", name = \"c\", filters = -1 },\n", kConv,
             "fashion.toml:7, used at fashion.toml:2, layer 'c' (Conv2D): filters = -1 is not allowed\n"
             "  allowed  at least 1 and at most 1000000"},
        Case{"same_name",
             "{ type = \"conv\", name = \"c\", filters = 1 },\n{ type = \"conv\", name = \"c\", filters = 1 },\n",
             kConv,
             "fashion.toml:8, used at fashion.toml:3, layer 'c' (Conv2D): another layer has this name\n"
             "  the other  fashion.toml:8, used at fashion.toml:2        try  name = \"c_1\""},
        Case{"no_input", "{ type = \"b\", name = \"r\" },\n",
             "[blocks.b]\nlayers = [\n{ type = \"Add\", name = \"{name}\", inputs = [\"{input}\"] },\n]\n",
             "fashion.toml:6, used at fashion.toml:2: block \"b\" takes \"{input}\", and no layer comes before it\n"
             "  try  a layer of the type Input before it"},
        Case{"several_inputs", "{ type = \"Flatten\" },\n{ type = \"b\", inputs = [\"x\", \"y\"] },\n",
             "[blocks.b]\nlayers = [\n{ type = \"Add\", inputs = [\"{input}\"] },\n]\n",
             "fashion.toml:7, used at fashion.toml:3: block \"b\" takes one \"{input}\", and has several\n"
             "  try  inputs = [...] with one name"},
        Case{"unused_inputs", "{ type = \"Flatten\", name = \"x\" },\n{ type = \"b\", inputs = [\"x\"] },\n",
             "[blocks.b]\nlayers = [{ type = \"Flatten\", inputs = [\"y\"] }]\n",
             "fashion.toml:3: block \"b\" does not use the inputs it is given\n"
             "  its layers  fashion.toml:5        try  inputs = [\"{input}\"] in one of them"},
        Case{"table", "{ type = \"b\", x = { y = 1 } },\n",
             "[blocks.b]\nlayers = [\n{ type = \"Dense\", units = \"{x}\" },\n]\n",
             "fashion.toml:6, used at fashion.toml:2, layer 'dense' (Dense): units = {...} is not allowed\n"
             "  allowed  an integer"},
        Case{"within_a_text", "{ type = \"b\", x = [1, 2] },\n",
             "[blocks.b]\nlayers = [\n{ type = \"Flatten\", name = \"a{x}\" },\n]\n",
             "fashion.toml:6, used at fashion.toml:2: x = [1, 2] cannot stand within a text\n"
             "  allowed  a text or an integer"},
        Case{"repeat", "{ type = \"Flatten\", repeat = 0 },\n", "",
             "fashion.toml:2: repeat = 0 is not allowed\n  allowed  at least 1 and at most 10000        try  repeat = "
             "1"}));

INSTANTIATE_TEST_SUITE_P(
    Definitions, BlockErrors,
    testing::Values(
        Case{"section", kUse, "[blocks]\nb = 3\n", "fashion.toml:5: \"blocks.b\" is not a section\n  try  [blocks.b]"},
        Case{"all", kUse, "[[blocks]]\n", "fashion.toml:4: \"blocks\" is not a section\n  try  [blocks.my_block]"},
        Case{"no_layers", kUse, "[blocks.b]\n",
             "fashion.toml:4: [blocks.b] has no layers\n"
             "  try  layers = [{ type = \"Dense\", units = \"{units}\" }]"},
        Case{"empty", kUse, "[blocks.b]\nlayers = []\n",
             "fashion.toml:5: the layers of [blocks.b] are not a list of tables\n"
             "  try  layers = [{ type = \"Dense\", units = \"{units}\" }]"},
        Case{"key", kUse, "[blocks.b]\ndefault = { a = 1 }\nlayers = [{ type = \"Flatten\" }]\n",
             "fashion.toml:5: unknown key \"default\" in [blocks.b]\n"
             "  known  defaults, layers        try  defaults"},
        Case{"defaults", kUse, "[blocks.b]\ndefaults = 3\nlayers = [{ type = \"Flatten\" }]\n",
             "fashion.toml:5: the defaults of [blocks.b] are not a table\n  try  defaults = { units = 64 }"},
        Case{"default_of_nothing", kUse,
             "[blocks.b]\ndefaults = { unit = 3 }\nlayers = [{ type = \"Dense\", units = \"{units}\" }]\n",
             "fashion.toml:5: block \"b\": no layer of it has \"{unit}\"\n  parameters  units        try  units"},
        Case{"taken", kUse, "[blocks.b]\nlayers = [{ type = \"Dense\", units = \"{repeat}\" }]\n",
             "fashion.toml:4: block \"b\": a parameter cannot be called \"repeat\"\n"
             "  taken  type, inputs, repeat        try  \"{its_repeat}\""},
        Case{"layer_type", kUse, "[blocks.Dense]\nlayers = [{ type = \"Flatten\" }]\n",
             "fashion.toml:4: [blocks.Dense] has the name of a layer type\n  try  [blocks.my_Dense]"},
        Case{"input_elsewhere", "{ type = \"Flatten\" },\n" + kUse,
             "[blocks.b]\nlayers = [\n{ type = \"Flatten\", name = \"{input}\" },\n]\n",
             "fashion.toml:7, used at fashion.toml:3: name = \"{input}\" is not allowed\n"
             "  try  \"{input}\" in inputs alone"}));

INSTANTIATE_TEST_SUITE_P(
    Hostile, BlockErrors,
    testing::Values(
        Case{"itself", kUse, "[blocks.b]\nlayers = [\n{ type = \"b\" },\n]\n",
             "fashion.toml:6, used at fashion.toml:2: block \"b\" contains itself\n"
             "  each within the one before  b, b"},
        Case{"cycle", kUse,
             "[blocks.b]\nlayers = [{ type = \"c\" }]\n[blocks.c]\nlayers = [{ type = \"b\", repeat = 9 }]\n",
             "fashion.toml:7, used at fashion.toml:2: block \"b\" contains itself\n"
             "  each within the one before  b, c, b"},
        Case{"million", "{ type = \"Flatten\", repeat = 1000000 },\n", "",
             "fashion.toml:2: repeat = 1000000 is not allowed\n"
             "  allowed  at least 1 and at most 10000        try  repeat = 1"},
        Case{"million_in_two", "{ type = \"b\", repeat = 1000 },\n",
             "[blocks.b]\nlayers = [{ type = \"Flatten\", repeat = 1000 }]\n",
             "fashion.toml:5, used at fashion.toml:2: more than 10000 layers\n  try  a smaller repeat"},
        Case{"long_text", "{ type = \"b\", x = \"aaaaaaaaaaaaaaaaaaaa\" },\n",
             "[blocks.b]\nlayers = [\n{ type = \"c\", x = \"{x}{x}{x}{x}{x}{x}{x}{x}\" },\n]\n[blocks.c]\n"
             "layers = [\n{ type = \"Flatten\", name = \"{x}{x}{x}{x}{x}{x}{x}\" },\n]\n",
             "fashion.toml:10, used at fashion.toml:2: \"{x}{x}{x}{x}{x}{x}{x}\" becomes a text of 1120 characters\n"
             "  allowed  at most 1000"},
        Case{"lists_in_lists", "{ type = \"b\", x = [1, 2] },\n",
             "[blocks.b]\nlayers = [\n{ type = \"Input\", shape = [\"{x}\", \"{x}\"] },\n]\n",
             "fashion.toml:6, used at fashion.toml:2: {x} is a list and cannot stand within a list"}));

TEST(BlockErrors, ChainsOfBlocksHaveAnEnd) {
  std::string blocks;
  for (int i = 0; i < 20'000; ++i) {
    blocks += "[blocks.b" + std::to_string(i) + "]\nlayers = [{ type = \"b" + std::to_string(i + 1) + "\" }]\n";
  }
  EXPECT_EQ(refusal("{ type = \"b0\" },\n", blocks),
            "fashion.toml:203, used at fashion.toml:2: blocks within blocks, more than 100 deep");
}

TEST(BlockErrors, EachBlockTwiceIsNotToTheHundredthPower) {
  std::string blocks = "[blocks.b90]\nlayers = [{ type = \"Flatten\" }]\n";
  for (int i = 0; i < 90; ++i) {
    blocks +=
        "[blocks.b" + std::to_string(i) + "]\nlayers = [{ type = \"b" + std::to_string(i + 1) + "\", repeat = 2 }]\n";
  }
  EXPECT_EQ(refusal("{ type = \"b0\" },\n", blocks),
            "fashion.toml:5, used at fashion.toml:2: more than 10000 layers\n  try  a smaller repeat");
}

TEST(BlockErrors, MillionsOfLayersWrittenOutAreRefusedToo) {
  std::string layers;
  for (int i = 0; i < 20'000; ++i) {
    layers += "{ type = \"Flatten\" },\n";
  }
  EXPECT_EQ(refusal(layers, ""), "fashion.toml:10002: more than 10000 layers\n  try  a smaller repeat");
}

}  // namespace
}  // namespace lapel
