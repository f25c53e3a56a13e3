#include <gtest/gtest.h>

#include "model/model.h"
#include "support/messages.h"
#include "support/samples.h"

namespace lapel::model {
namespace {

using test::message_of;

constexpr std::int64_t operator""_i(unsigned long long value) { return static_cast<std::int64_t>(value); }

TEST(ModelJson, Golden) {
  const Model model("tiny", {{"Flatten", {}, {}, {}, {}}, {"Dense", {}, {}, {{"units", 3_i}}, {}}},
                    Shape::image(1, 2, 2));
  EXPECT_EQ(to_json(model),
            R"({"name":"tiny","input_shape":[2,2,1],"layers":[{"type":"Flatten","name":"flatten","options":{}},)"
            R"({"type":"Dense","name":"dense","options":{"activation":"linear","units":3,"use_bias":true}}]})");
}

TEST(ModelJson, EveryLayerTypeComesBack) {
  for (const auto& type : layers::layer_types()) {
    const Model model("m", test::sample_layers(type), Shape::image(3, 9, 8));
    const std::string text = to_json(model);
    const Model again = from_json(text, "model.safetensors");
    EXPECT_EQ(to_json(again), text);
    ASSERT_EQ(again.nodes().size(), model.nodes().size());
    for (std::size_t i = 0; i < model.nodes().size(); ++i) {
      EXPECT_EQ(again.nodes()[i].name, model.nodes()[i].name);
      EXPECT_EQ(again.nodes()[i].inputs, model.nodes()[i].inputs);
      EXPECT_EQ(again.nodes()[i].output_shape, model.nodes()[i].output_shape);
      EXPECT_EQ(again.nodes()[i].layer->options(), model.nodes()[i].layer->options());
    }
  }
}

std::string refusal(std::string_view json) {
  return message_of([&] { return from_json(json, "model.safetensors"); });
}

TEST(ModelJson, WhatIsNoModelIsRefused) {
  EXPECT_EQ(refusal("{"), "model.safetensors: the model description is not JSON");
  EXPECT_EQ(refusal(""), "model.safetensors: the model description is not JSON");
  EXPECT_EQ(refusal("[]"), "model.safetensors: the model description is not an object");
  EXPECT_EQ(refusal("{}"), "model.safetensors: the model description has no list \"layers\"");
  EXPECT_EQ(refusal(R"({"layers":[]})"), "model.safetensors: the model description has no text \"name\"");
  EXPECT_EQ(refusal(R"({"name":"m","layers":[]})"), "model.safetensors: the model description has no \"input_shape\"");
  EXPECT_EQ(refusal(R"({"name":"m","input_shape":[4],"layers":[]})"), "model.safetensors: the model 'm' has no layers");
  EXPECT_EQ(refusal(R"({"name":"m","input_shape":[4,4],"layers":[]})"),
            "model.safetensors: the model description at input_shape is wrong: shape = [4, 4] is not allowed");
  EXPECT_EQ(refusal(R"({"name":"m","input_shape":[4.5],"layers":[]})"),
            "model.safetensors: the model description at input_shape is not a list of integers");
  EXPECT_EQ(refusal(R"({"name":"m","layer":[]})"),
            "model.safetensors: the model description has the unknown key \"layer\"");
  EXPECT_EQ(
      refusal(R"({"name":"m","input_shape":[4],"layers":[{"type":"Dense","name":"d","options":{"units":null}}]})"),
      "model.safetensors: the model description at layers[0].options.units is no value of an option");
  EXPECT_EQ(refusal(R"({"name":"m","input_shape":[4],"layers":[{"type":"Dense","name":"d","inputs":[3]}]})"),
            "model.safetensors: the model description at layers[0].inputs is not a list of names");
  EXPECT_EQ(refusal(R"({"name":"m","input_shape":[4],"layers":[3]})"),
            "model.safetensors: the model description at layers[0] is not an object");
}

TEST(ModelJson, ALayerThatDoesNotFitIsAnErrorOfTheFile) {
  const char* text = R"({"name":"m","input_shape":[4],"layers":[{"type":"Dense","name":"d","options":{"units":1}}]})";
  try {
    static_cast<void>(from_json(text, "model.safetensors"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModelFile);
    EXPECT_STREQ(error.what(),
                 "model.safetensors, layer 'd' (Dense): the last layer gives 1 number; a classifier ends in a vector "
                 "with one number a class\n  try  units = the number of classes, at least 2");
  }
}

/// Whatever byte of a good text is lost, the answer is an Error or a model; never anything else.
TEST(ModelJson, DamagedTextIsRefusedOrRead) {
  const Model model("m", test::sample_layers(layers::find_layer_type("Add")), Shape::image(3, 9, 8));
  const std::string text = to_json(model);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string shorter = text;
    shorter.erase(i, 1);
    EXPECT_NE(message_of([&] { return from_json(shorter, "f"); }), "") << i;
    EXPECT_NE(message_of([&] { return from_json(std::string_view(text).substr(0, i), "f"); }), "no error") << i;
  }
}

}  // namespace
}  // namespace lapel::model
