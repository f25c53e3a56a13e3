#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "layers/layer.h"
#include "support/messages.h"
#include "support/samples.h"

namespace lapel::layers {
namespace {

using test::message_of;

TEST(LayerTable, HasEachTypeOnceWithHelp) {
  std::set<std::string_view> types;
  std::set<std::string_view> names;
  for (const auto& type : layer_types()) {
    EXPECT_TRUE(types.insert(type.type).second) << type.type;
    EXPECT_TRUE(names.insert(type.base_name).second) << type.base_name;
    EXPECT_FALSE(type.help.empty()) << type.type;
    for (const auto& rule : type.rules) {
      EXPECT_FALSE(rule.help.empty()) << type.type << '.' << rule.key;
    }
  }
}

/// Keras's `to_snake_case` of the class's name, which its layers have as names where none is given.
std::string snake_case(std::string_view type) {
  const std::string apart = std::regex_replace(std::string(type), std::regex("(.)([A-Z][a-z]+)"), "$1_$2");
  std::string name = std::regex_replace(apart, std::regex("([a-z])([A-Z])"), "$1_$2");
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

TEST(LayerTable, NamesLayersAsKerasDoes) {
  for (const auto& type : layer_types()) {
    EXPECT_EQ(type.base_name, type.type == "Input" ? "input_layer" : snake_case(type.type));
  }
}

/// A layer says every option of its table, its own type, and can be made again from what it says.
TEST(LayerTable, EveryLayerCanBeMadeAgainFromItsOptions) {
  for (const auto& type : layer_types()) {
    const auto layer = make_layer(type.type, test::sample_options(type));
    EXPECT_EQ(layer->type(), type.type);
    const OptionValues written = layer->options();
    EXPECT_EQ(written.size(), type.rules.size()) << type.type;
    for (const auto& rule : type.rules) {
      EXPECT_TRUE(written.contains(rule.key)) << type.type << '.' << rule.key;
    }
    EXPECT_EQ(make_layer(type.type, written)->options(), written) << type.type;
  }
}

/// Each option reaches the layer: another value than the default is what the layer says it has.
TEST(LayerTable, EveryOptionIsKept) {
  for (const auto& type : layer_types()) {
    for (const auto& rule : type.rules) {
      OptionValues given = test::sample_options(type);
      OptionValue value = rule.default_value;
      if (rule.pair) {
        value = std::vector<std::int64_t>{4, 7};
      } else if (std::holds_alternative<bool>(value)) {
        value = !std::get<bool>(value);
      } else if (!rule.choices.empty()) {
        value = std::string(rule.choices.back());
      } else if (std::holds_alternative<std::int64_t>(value)) {
        value = std::int64_t{17};
      } else if (std::holds_alternative<double>(value)) {
        value = 0.75;
      } else if (std::holds_alternative<NumberRange>(value)) {
        value = NumberRange{0.25, 0.75};
      } else {
        value = std::vector<std::int64_t>{6};
      }
      given.insert_or_assign(std::string(rule.key), value);
      EXPECT_EQ(make_layer(type.type, given)->options().find(rule.key)->second, value) << type.type << '.' << rule.key;
    }
  }
}

TEST(LayerTable, KerasDefaults) {
  const OptionValues conv =
      make_layer("Conv2D", {{"filters", std::int64_t{8}}, {"kernel_size", std::int64_t{3}}})->options();
  EXPECT_EQ(conv, (OptionValues{{"filters", std::int64_t{8}},
                                {"kernel_size", std::vector<std::int64_t>{3, 3}},
                                {"strides", std::vector<std::int64_t>{1, 1}},
                                {"padding", "valid"},
                                {"activation", "linear"},
                                {"use_bias", true}}));
  const OptionValues pool{{"pool_size", std::vector<std::int64_t>{2, 2}},
                          {"strides", std::vector<std::int64_t>{2, 2}},
                          {"padding", "valid"}};
  EXPECT_EQ(make_layer("MaxPooling2D", {})->options(), pool);
  EXPECT_EQ(make_layer("AveragePooling2D", {})->options(), pool);
  EXPECT_EQ(make_layer("BatchNormalization", {})->options(),
            (OptionValues{{"momentum", 0.99}, {"epsilon", 0.001}, {"center", true}, {"scale", true}}));
  EXPECT_EQ(
      make_layer("RandomFlip", {})->options(),
      (OptionValues{{"mode", "horizontal_and_vertical"}, {"alternating", false}, {"start_epoch", std::int64_t{1}}}));
  EXPECT_EQ(make_layer("RandomTranslation", {{"height_factor", 0.1}, {"width_factor", 0.2}})->options(),
            (OptionValues{{"height_factor", NumberRange{-0.1, 0.1}},
                          {"width_factor", NumberRange{-0.2, 0.2}},
                          {"fill_mode", "reflect"},
                          {"fill_value", 0.0},
                          {"interpolation", "bilinear"},
                          {"start_epoch", std::int64_t{1}}}));
  EXPECT_EQ(make_layer("RandomRotation", {{"factor", 0.1}})->options(),
            (OptionValues{{"factor", NumberRange{-0.1, 0.1}},
                          {"fill_mode", "reflect"},
                          {"fill_value", 0.0},
                          {"interpolation", "bilinear"},
                          {"start_epoch", std::int64_t{1}}}));
  EXPECT_EQ(make_layer("RandomZoom", {{"height_factor", NumberRange{0.3, -0.2}}})->options(),
            (OptionValues{{"height_factor", NumberRange{-0.2, 0.3}},
                          {"width_factor", NumberRange{}},
                          {"fill_mode", "reflect"},
                          {"fill_value", 0.0},
                          {"interpolation", "bilinear"},
                          {"start_epoch", std::int64_t{1}}}));
  EXPECT_EQ(make_layer("RandomErasing", {{"factor", 0.5}})->options(),
            (OptionValues{{"factor", NumberRange{0, 0.5}},
                          {"scale", NumberRange{0.02, 0.33}},
                          {"fill_mode", "noise"},
                          {"fill_value", 0.0},
                          {"start_epoch", std::int64_t{1}}}));
  EXPECT_EQ(make_layer("MixUp", {})->options(), (OptionValues{{"alpha", 0.2}, {"start_epoch", std::int64_t{1}}}));
  EXPECT_EQ(make_layer("CutMix", {})->options(),
            (OptionValues{{"factor", NumberRange{0, 1}}, {"start_epoch", std::int64_t{1}}}));
  const OptionValues dense{{"units", std::int64_t{3}}, {"activation", "linear"}, {"use_bias", true}};
  EXPECT_EQ(make_layer("Dense", {{"units", std::int64_t{3}}})->options(), dense);
}

TEST(LayerTable, EveryChangeOfPicturesMayStartLater) {
  const std::vector<Shape> in{Shape::image(1, 8, 8)};
  const OptionValues both{{"height_factor", 0.1}, {"width_factor", 0.1}};
  const std::vector<std::pair<std::string_view, OptionValues>> all{
      {"RandomFlip", {}},   {"RandomTranslation", both}, {"RandomRotation", {{"factor", 0.1}}},
      {"RandomZoom", both}, {"RandomErasing", {}},       {"MixUp", {}},
      {"CutMix", {}}};
  for (const auto& [type, given] : all) {
    OptionValues options = given;
    options["start_epoch"] = std::int64_t{7};
    const auto ops = make_layer(type, options)->lower(in);
    ASSERT_EQ(ops.size(), 1U) << type;
    const std::uint32_t start = std::visit(
        [](const auto& op) {
          if constexpr (requires { op.start_epoch; }) {
            return op.start_epoch;
          } else {
            return 0U;
          }
        },
        ops[0]);
    EXPECT_EQ(start, 7U) << type;
  }
}

TEST(LayerTable, PoolingMovesByItsOwnSizeUnlessTold) {
  const auto strides = [](const OptionValues& given) {
    return std::get<std::vector<std::int64_t>>(make_layer("MaxPooling2D", given)->options().find("strides")->second);
  };
  EXPECT_EQ(strides({{"pool_size", std::vector<std::int64_t>{3, 5}}}), (std::vector<std::int64_t>{3, 5}));
  EXPECT_EQ(strides({{"pool_size", std::int64_t{3}}, {"strides", std::int64_t{1}}}), (std::vector<std::int64_t>{1, 1}));
}

TEST(LayerErrors, UnknownType) {
  std::vector<std::string_view> known;
  for (const auto& type : layer_types()) {
    known.push_back(type.type);
  }
  EXPECT_EQ(message_of([] { return make_layer("Conv2d", {}); }),
            fmt::format("unknown layer type \"Conv2d\"\n  known  {}        try  Conv2D", fmt::join(known, ", ")));
}

TEST(LayerErrors, Options) {
  EXPECT_EQ(message_of([] {
              return make_layer("Dense", {{"units", std::int64_t{3}}, {"activatoin", "relu"}});
            }),
            "unknown option \"activatoin\"\n  known  units, activation, use_bias        try  activation");
  EXPECT_EQ(message_of([] {
              return make_layer("Flatten", {{"units", std::int64_t{3}}});
            }),
            "unknown option \"units\"\n  known  none");
  EXPECT_EQ(message_of([] { return make_layer("Dense", {}); }),
            "option \"units\" is missing\n  try  units = ...   (numbers it gives for each vector; 0: as many as the "
            "data has classes)");
  EXPECT_EQ(message_of([] {
              return make_layer("Dense", {{"units", std::int64_t{-1}}});
            }),
            "units = -1 is not allowed\n  allowed  at least 0 and at most 1000000");
  EXPECT_EQ(message_of([] {
              return make_layer("Dropout", {{"rate", 1.0}});
            }),
            "rate = 1.0 is not allowed\n  allowed  at least 0 and below 1");
  EXPECT_EQ(message_of([] {
              return make_layer("Activation", {{"activation", "swash"}});
            }).substr(0, 42),
            "activation = \"swash\" is not allowed\n  allo");
  EXPECT_EQ(message_of([] {
              return make_layer("MaxPooling2D", {{"padding", "smae"}});
            }),
            "padding = \"smae\" is not allowed\n  allowed  \"valid\" or \"same\"        try  padding = \"same\"");
  EXPECT_EQ(message_of([] {
              return make_layer("Input", {{"shape", std::vector<std::int64_t>{28, 28}}});
            }),
            "shape = [28, 28] is not allowed\n"
            "  allowed  [height, width, channels] or [length]        try  shape = [28, 28, 1]");
  EXPECT_EQ(message_of([] {
              return make_layer("Input", {{"shape", std::vector<std::int64_t>{28, 0, 1}}});
            }),
            "shape = [28, 0, 1] is not allowed\n  allowed  at least 1 and at most 65536");
  EXPECT_EQ(message_of([] {
              return make_layer("Input", {{"shape", std::int64_t{784}}});
            }),
            "shape = 784 is not allowed\n  allowed  a list of integers");
}

}  // namespace
}  // namespace lapel::layers
