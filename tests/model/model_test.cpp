#include "model/model.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/samples.h"

namespace lapel::model {
namespace {

constexpr std::int64_t operator""_i(unsigned long long value) { return static_cast<std::int64_t>(value); }

const Shape kFashion = Shape::image(1, 28, 28);

LayerSpec layer(std::string type, OptionValues options = {}, std::string name = {},
                std::vector<std::string> inputs = {}) {
  return {std::move(type), std::move(name), std::move(inputs), std::move(options), {}};
}
LayerSpec conv(std::int64_t filters, OptionValues more = {}) {
  more.emplace("filters", filters);
  more.emplace("kernel_size", 3_i);
  return layer("Conv2D", std::move(more));
}
LayerSpec dense(std::int64_t units) { return layer("Dense", {{"units", units}}); }

std::int64_t parameters(const std::vector<LayerSpec>& layers) {
  return Model("m", layers, kFashion).trainable_parameters();
}

/// Counts as Keras 3 prints them.
TEST(Model, CountsParametersAsKeras) {
  EXPECT_EQ(parameters({layer("Flatten"), dense(512), dense(10)}), 407'050);
  EXPECT_EQ(parameters({layer("Flatten"), dense(300), dense(100), dense(10)}), 266'610);
  EXPECT_EQ(parameters({conv(32), layer("MaxPooling2D"), conv(64), layer("MaxPooling2D"), layer("Flatten"),
                        layer("Dropout", {{"rate", 0.5}}), dense(128), dense(10)}),
            225'034);
  EXPECT_EQ(parameters({conv(32), layer("MaxPooling2D"), layer("Flatten"), dense(5408), dense(10)}), 29'306'282);
  EXPECT_EQ(parameters({dense(32), dense(32), layer("Flatten"), dense(128), dense(10)}), 3'213'802);
}

TEST(Model, CountsArithmetic) {
  EXPECT_EQ(Model("m", {layer("Flatten"), dense(512), dense(10)}, kFashion).flop(), 2 * (784 * 512 + 512 * 10));
  EXPECT_EQ(Model("m", {conv(32), layer("Flatten"), dense(10)}, kFashion).flop(),
            2 * (26 * 26 * 9 * 32 + 26 * 26 * 32 * 10));
}

TEST(Model, NamesLayersAsKeras) {
  const Model model(
      "m",
      {conv(4), conv(4), layer("Flatten"), layer("Dense", {{"units", 4_i}}, "dense_1"), dense(5), dense(6), dense(7)},
      kFashion);
  std::vector<std::string> names;
  for (const auto& node : model.nodes()) {
    names.push_back(node.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"input_layer", "conv2d", "conv2d_1", "flatten", "dense_1", "dense",
                                             "dense_2", "dense_3"}));
}

TEST(Model, SummaryOfASequentialModelHasNoInput) {
  const Model model("cnn", {conv(32), layer("MaxPooling2D"), layer("Flatten"), dense(10)}, kFashion);
  const Summary summary = summarize(model);
  EXPECT_EQ(summary.name, "cnn");
  EXPECT_TRUE(summary.sequential);
  ASSERT_EQ(summary.rows.size(), 4U);
  EXPECT_EQ(summary.rows[0].name, "conv2d");
  EXPECT_EQ(summary.rows[0].type, "Conv2D");
  EXPECT_EQ(summary.rows[0].output_shape, "(None, 26, 26, 32)");
  EXPECT_EQ(summary.rows[0].parameters, 320);
  EXPECT_EQ(summary.rows[0].connected_to, std::vector<std::string>{"input_layer"});
  EXPECT_EQ(summary.rows[2].output_shape, "(None, 5408)");
  EXPECT_EQ(summary.rows[3].parameters, 54'090);
  EXPECT_EQ(summary.trainable, 54'410);
  EXPECT_EQ(summary.non_trainable, 0);
  EXPECT_EQ(summary.flop, model.flop());
}

std::vector<LayerSpec> residual() {
  return {conv(8, {{"padding", "same"}}), conv(8, {{"padding", "same"}}), layer("Add", {}, {}, {"conv2d_1", "conv2d"}),
          layer("GlobalAveragePooling2D"), dense(10)};
}

TEST(Model, SummaryOfAGraphHasItsInputAndConnections) {
  const Model model("res", residual(), kFashion);
  EXPECT_FALSE(model.sequential());
  const Summary summary = summarize(model);
  ASSERT_EQ(summary.rows.size(), 6U);
  EXPECT_EQ(summary.rows[0].name, "input_layer");
  EXPECT_EQ(summary.rows[0].type, "InputLayer");
  EXPECT_EQ(summary.rows[0].output_shape, "(None, 28, 28, 1)");
  EXPECT_EQ(summary.rows[0].connected_to, std::vector<std::string>{});
  EXPECT_EQ(summary.rows[3].connected_to, (std::vector<std::string>{"conv2d_1", "conv2d"}));
}

TEST(Model, NamingThePreviousLayerIsStillSequential) {
  EXPECT_TRUE(Model("m", {layer("Flatten"), layer("Dense", {{"units", 3_i}}, {}, {"flatten"})}, kFashion).sequential());
}

TEST(Model, AnInputLayerCanBeGiven) {
  const LayerSpec input = layer("Input", {{"shape", std::vector<std::int64_t>{28, 28, 1}}}, "pixels");
  const Model model("m", {input, layer("Flatten"), dense(10)}, kFashion);
  EXPECT_EQ(model.nodes().front().name, "pixels");
  EXPECT_EQ(model.nodes().size(), 3U);
  EXPECT_EQ(model.input_shape(), kFashion);
  EXPECT_EQ(model.outputs(), 10);
  EXPECT_EQ(model.specs().size(), 3U);
}

TEST(Model, SpecsMakeTheSameModel) {
  const Model model("res", residual(), kFashion);
  const Model again("res", model.specs(), kFashion);
  EXPECT_EQ(to_json(again), to_json(model));
  for (const auto& spec : model.specs()) {
    EXPECT_FALSE(spec.name.empty());
  }
  EXPECT_TRUE(model.specs()[1].inputs.empty());
  EXPECT_EQ(model.specs()[2].inputs, (std::vector<std::string>{"conv2d_1", "conv2d"}));
}

TEST(Model, PlacesNameFileLineAndLayer) {
  std::vector<LayerSpec> specs = {layer("Flatten"), dense(10)};
  specs[1].place = "fashion.toml:31";
  const Model model("m", specs, kFashion);
  EXPECT_EQ(model.nodes()[1].place, "layer 'flatten' (Flatten)");
  EXPECT_EQ(model.nodes()[2].place, "fashion.toml:31, layer 'dense' (Dense)");
}

TEST(Model, EveryLayerTypeFitsIntoOne) {
  for (const auto& type : layers::layer_types()) {
    const Model model("m", test::sample_layers(type), Shape::image(3, 9, 8));
    EXPECT_EQ(model.outputs(), 4) << type.type;
  }
}

}  // namespace
}  // namespace lapel::model
