#include <gtest/gtest.h>

#include "model/classes.h"
#include "model/model.h"
#include "support/messages.h"

namespace lapel::model {
namespace {

using test::message_of;

constexpr std::int64_t operator""_i(unsigned long long value) { return static_cast<std::int64_t>(value); }

LayerSpec layer(std::string type, OptionValues options = {}, std::string name = {},
                std::vector<std::string> inputs = {}, std::string place = {}) {
  return {std::move(type), std::move(name), std::move(inputs), std::move(options), std::move(place)};
}
LayerSpec conv(std::string name, OptionValues more = {}) {
  more.emplace("filters", 8_i);
  more.emplace("kernel_size", 3_i);
  return layer("Conv2D", std::move(more), std::move(name));
}
LayerSpec dense(std::int64_t units) { return layer("Dense", {{"units", units}}); }

std::string refusal(const std::vector<LayerSpec>& layers, const Shape& input = Shape::image(1, 28, 28)) {
  return message_of([&] { return Model("m", layers, input); });
}

TEST(ModelErrors, NoLayers) { EXPECT_EQ(refusal({}), "the model 'm' has no layers"); }

TEST(ModelErrors, KernelThatDoesNotFit) {
  const std::vector<LayerSpec> specs = {
      layer("MaxPooling2D", {}, "pool2"),
      layer("Conv2D", {{"filters", 8_i}, {"kernel_size", 5_i}}, "conv3", {}, "fashion.toml:31")};
  EXPECT_EQ(refusal(specs, Shape::image(64, 6, 6)),
            "fashion.toml:31, layer 'conv3' (Conv2D): kernel 5x5 does not fit the 3x3 input (padding \"valid\")\n"
            "  input  3 x 3 x 64 from 'pool2'        try  padding = \"same\", or kernel_size = 3");
}

TEST(ModelErrors, PoolingAfterFlatten) {
  EXPECT_EQ(refusal({layer("Flatten"), layer("MaxPooling2D"), dense(10)}),
            "layer 'max_pooling2d' (MaxPooling2D): needs a picture (height x width x channels), but its input is flat\n"
            "  input  784 from 'flatten'        try  put it before Flatten");
}

TEST(ModelErrors, AddOfDifferentShapes) {
  EXPECT_EQ(refusal({conv("a"), conv("b"), layer("Add", {}, {}, {"a", "b"}), layer("Flatten"), dense(10)}),
            "layer 'add' (Add): inputs of different shapes cannot be added\n"
            "  inputs  26 x 26 x 8 from 'a', 24 x 24 x 8 from 'b'        try  the same filters and strides in both, "
            "and padding = \"same\"");
}

TEST(ModelErrors, PicturesChangedAfterWeights) {
  EXPECT_EQ(refusal({conv("a"), layer("MaxPooling2D"), layer("RandomFlip"), layer("Flatten"), dense(10)}),
            "layer 'random_flip' (RandomFlip): comes after a layer with weights, but passes no gradient on to it\n"
            "  input  13 x 13 x 8 from 'max_pooling2d'        try  the layers that change pictures first");
  EXPECT_EQ(refusal({layer("Flatten"), layer("RandomFlip"), dense(10)}),
            "layer 'random_flip' (RandomFlip): needs a picture (height x width x channels), but its input is flat\n"
            "  input  784 from 'flatten'        try  put it before Flatten");
}

TEST(ModelErrors, NumberOfClassesNotKnown) {
  EXPECT_EQ(refusal({layer("Flatten"), dense(0)}),
            "layer 'dense' (Dense): units = 0 stands for the number of classes, which is not known here\n"
            "  input  784 from 'flatten'        try  units = the number of classes");
  EXPECT_EQ(Model("m", with_classes({layer("Flatten"), dense(7), dense(0)}, 3), Shape::image(1, 4, 4)).outputs(), 3);
}

TEST(ModelErrors, NumberOfInputs) {
  EXPECT_EQ(refusal({conv("a"), layer("Add"), layer("Flatten"), dense(10)}),
            "layer 'add' (Add): takes 2 to 64 inputs, but has 1\n"
            "  input  26 x 26 x 8 from 'a'        try  inputs = [\"...\", \"...\"]");
  EXPECT_EQ(refusal({conv("a"), conv("b"), layer("Flatten", {}, {}, {"a", "b"}), dense(10)}),
            "layer 'flatten' (Flatten): takes 1 input, but has 2\n"
            "  inputs  26 x 26 x 8 from 'a', 24 x 24 x 8 from 'b'        try  Add, to make one of them");
}

TEST(ModelErrors, Names) {
  EXPECT_EQ(refusal({layer("Flatten", {}, "x", {}, "a.toml:3"), layer("Dense", {{"units", 4_i}}, "x", {}, "a.toml:9")}),
            "a.toml:9, layer 'x' (Dense): another layer has this name\n"
            "  the other  a.toml:3        try  name = \"x_1\"");
  EXPECT_EQ(refusal({layer("Flatten", {}, "a/b", {}, "a.toml:3")}),
            "a.toml:3: name = \"a/b\" is not allowed\n  allowed  letters, digits, \"_\", \".\" and \"-\"");
}

TEST(ModelErrors, UnknownTypeAndOption) {
  EXPECT_EQ(refusal({layer("Flaten", {}, {}, {}, "a.toml:3")}).substr(0, 39),
            "a.toml:3: unknown layer type \"Flaten\"\n ");
  EXPECT_EQ(refusal({layer("Dropout", {{"rat", 0.5}}, {}, {}, "a.toml:3")}),
            "a.toml:3, layer 'dropout' (Dropout): option \"rate\" is missing\n"
            "  try  rate = ...   (share of the numbers that become 0 in training)");
}

TEST(ModelErrors, UnknownInput) {
  EXPECT_EQ(refusal({conv("conv1"), layer("Flatten", {}, {}, {"conv"}), dense(10)}),
            "layer 'flatten' (Flatten): unknown input \"conv\"\n  known  input_layer, conv1        try  conv1");
  EXPECT_EQ(refusal({layer("Flatten", {}, {}, {"dense"}), dense(10)}),
            "layer 'flatten' (Flatten): its input \"dense\" does not come before it\n"
            "  try  the layers in an order in which each comes after its inputs");
  EXPECT_EQ(refusal({layer("Flatten", {}, {}, {"flatten"}), dense(10)}),
            "layer 'flatten' (Flatten): its input \"flatten\" does not come before it\n"
            "  try  the layers in an order in which each comes after its inputs");
}

TEST(ModelErrors, UnusedOutput) {
  EXPECT_EQ(refusal({conv("a"), conv("b"), layer("Flatten", {}, {}, {"a"}), dense(10)}),
            "layer 'b' (Conv2D): no layer takes its output\n  try  inputs = [\"b\"] in a later layer, or leave it out");
}

TEST(ModelErrors, Output) {
  EXPECT_EQ(
      refusal({conv("a")}, Shape::image(1, 9, 9)),
      "layer 'a' (Conv2D): the last layer gives 7 x 7 x 8; a classifier ends in a vector with one number a class\n"
      "  try  Flatten, then Dense with one unit a class");
  EXPECT_EQ(
      refusal({layer("Flatten"), dense(1)}),
      "layer 'dense' (Dense): the last layer gives 1 number; a classifier ends in a vector with one number a class\n"
      "  try  units = the number of classes, at least 2");
}

TEST(ModelErrors, InputLayer) {
  const LayerSpec input = layer("Input", {{"shape", std::vector<std::int64_t>{32, 32, 3}}});
  EXPECT_EQ(refusal({input, layer("Flatten"), dense(10)}),
            "layer 'input_layer' (Input): shape = [32, 32, 3] is not that of the data\n"
            "  data  28 x 28 x 1        try  shape = [28, 28, 1]");
  EXPECT_EQ(refusal({layer("Flatten"), input, dense(10)}),
            "layer 'input_layer_1' (Input): only the first layer can be an Input");
  LayerSpec with_inputs = input;
  with_inputs.inputs = {"x"};
  EXPECT_EQ(refusal({with_inputs, layer("Flatten"), dense(10)}).substr(0, 48),
            "layer 'input_layer' (Input): unknown input \"x\"\n ");
}

TEST(ModelErrors, Sizes) {
  EXPECT_EQ(refusal({layer("Flatten"), dense(1'000'000), dense(1'000'000)}),
            "layer 'dense_1' (Dense): its kernel has 1000000000000 numbers, more than 1073741824\n"
            "  input  1000000 from 'dense'");
  EXPECT_EQ(refusal({dense(1'000'000), dense(1'000'000), layer("Flatten")}, Shape::image(1, 2000, 2000)),
            "layer 'dense' (Dense): its output has 4000000000000 numbers a sample, more than 67108864\n"
            "  input  2000 x 2000 x 1 from 'input_layer'        try  smaller pictures, or fewer filters");
}

}  // namespace
}  // namespace lapel::model
