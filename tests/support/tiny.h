#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "lapel/data.h"
#include "lapel/recipe.h"

/// Small data and models that several tests share.
namespace lapel::test {

inline LayerSpec layer(std::string type, OptionValues options = {}, std::string name = {},
                       std::vector<std::string> inputs = {}) {
  return {std::move(type), std::move(name), std::move(inputs), std::move(options), {}};
}

/// Random pictures whose class shows: the rows of pixels with number = label (modulo height) are bright.
inline LabeledPictures tiny_pictures(std::int64_t count, std::int64_t height, std::int64_t width, std::int64_t channels,
                                     int classes, std::uint64_t seed = 1) {
  LabeledPictures result;
  result.pictures = {count, height, width, channels, {}};
  for (std::int64_t i = 0; i < count; ++i) {
    const RandomStream random{seed, RandomPurpose::kTest, 0, 0, static_cast<std::uint32_t>(i)};
    const auto label = static_cast<Label>(random.below(0, static_cast<std::uint32_t>(classes)));
    result.labels.push_back(label);
    for (std::int64_t p = 0; p < height * width * channels; ++p) {
      const bool bright = p / (width * channels) % height == label % height;
      const auto noise = random.below(static_cast<std::uint64_t>(p) + 1, 100);
      result.pictures.pixels.push_back(static_cast<std::uint8_t>((bright ? 120 : 20) + noise));
    }
  }
  return result;
}

inline DataSet tiny_data(std::int64_t train, std::int64_t test, int classes = 4) {
  DataSet data;
  data.name = "tiny";
  data.location = "/tiny";
  for (int i = 0; i < classes; ++i) {
    data.class_names.push_back("class " + std::to_string(i));
  }
  data.train = tiny_pictures(train, 8, 6, 1, classes, 1);
  data.test = tiny_pictures(test, 8, 6, 1, classes, 2);
  return data;
}

/// A residual network with a value that three layers read, and most kinds of layers.
inline std::vector<LayerSpec> residual_layers(std::int64_t classes) {
  using Integers = std::int64_t;
  return {
      layer("Conv2D", {{"filters", Integers{5}}, {"kernel_size", Integers{3}}, {"padding", std::string("same")}},
            "stem"),
      layer("Activation", {{"activation", std::string("relu")}}, "stem_relu"),
      layer("Conv2D",
            {{"filters", Integers{5}},
             {"kernel_size", Integers{3}},
             {"padding", std::string("same")},
             {"activation", std::string("tanh")}},
            "left"),
      layer("Conv2D", {{"filters", Integers{5}}, {"kernel_size", Integers{1}}}, "right", {"stem_relu"}),
      layer("Add", {}, "sum", {"left", "right", "stem_relu"}),
      layer("AveragePooling2D", {{"pool_size", Integers{2}}}, "pool"),
      layer("Dense", {{"units", Integers{7}}, {"activation", std::string("gelu")}}, "on_pixels"),
      layer("Flatten", {}, "flat"),
      layer("Dense", {{"units", classes}, {"activation", std::string("softmax")}}, "logits"),
  };
}

}  // namespace lapel::test
