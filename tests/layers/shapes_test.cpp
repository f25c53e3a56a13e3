#include <gtest/gtest.h>

#include "layers/layer.h"
#include "layers/window.h"
#include "support/messages.h"

namespace lapel::layers {
namespace {

using test::message_of;

constexpr std::int64_t operator""_i(unsigned long long value) { return static_cast<std::int64_t>(value); }

Shape shape_of(std::string_view type, const OptionValues& options, const Shape& input) {
  return make_layer(type, options)->output_shape({&input, 1});
}

std::vector<std::vector<std::int64_t>> parameter_shapes(std::string_view type, const OptionValues& options,
                                                        const Shape& input) {
  std::vector<std::vector<std::int64_t>> shapes;
  for (const auto& parameter : make_layer(type, options)->parameters({&input, 1})) {
    shapes.push_back(parameter.shape);
  }
  return shapes;
}

const Shape kPicture = Shape::image(3, 7, 10);

/// Expected shapes: Keras 3, `layer.compute_output_shape((None, 7, 10, 3))`.
TEST(Shapes, Convolution) {
  const auto conv = [](const std::vector<std::int64_t>& kernel, const std::vector<std::int64_t>& strides,
                       const char* padding) {
    return shape_of("Conv2D", {{"filters", 5_i}, {"kernel_size", kernel}, {"strides", strides}, {"padding", padding}},
                    kPicture);
  };
  EXPECT_EQ(conv({3, 3}, {1, 1}, "valid"), Shape::image(5, 5, 8));
  EXPECT_EQ(conv({3, 3}, {1, 1}, "same"), Shape::image(5, 7, 10));
  EXPECT_EQ(conv({3, 3}, {2, 2}, "valid"), Shape::image(5, 3, 4));
  EXPECT_EQ(conv({3, 3}, {2, 2}, "same"), Shape::image(5, 4, 5));
  EXPECT_EQ(conv({2, 4}, {3, 1}, "valid"), Shape::image(5, 2, 7));
  EXPECT_EQ(conv({2, 4}, {3, 1}, "same"), Shape::image(5, 3, 10));
  EXPECT_EQ(conv({7, 10}, {1, 1}, "valid"), Shape::image(5, 1, 1));
}

TEST(Shapes, PoolingAndTheRest) {
  EXPECT_EQ(shape_of("MaxPooling2D", {}, kPicture), Shape::image(3, 3, 5));
  EXPECT_EQ(shape_of("MaxPooling2D", {{"padding", "same"}}, kPicture), Shape::image(3, 4, 5));
  EXPECT_EQ(shape_of("AveragePooling2D", {{"pool_size", 3_i}, {"strides", 2_i}}, kPicture), Shape::image(3, 3, 4));
  EXPECT_EQ(shape_of("GlobalAveragePooling2D", {}, kPicture), Shape::vector(3));
  EXPECT_EQ(shape_of("GlobalMaxPooling2D", {}, kPicture), Shape::vector(3));
  EXPECT_EQ(shape_of("Flatten", {}, kPicture), Shape::vector(210));
  EXPECT_EQ(shape_of("Flatten", {}, Shape::vector(9)), Shape::vector(9));
  EXPECT_EQ(shape_of("Dropout", {{"rate", 0.5}}, kPicture), kPicture);
  EXPECT_EQ(shape_of("Activation", {{"activation", "softmax"}}, kPicture), kPicture);
  EXPECT_EQ(shape_of("Dense", {{"units", 4_i}}, Shape::vector(9)), Shape::vector(4));
  EXPECT_EQ(shape_of("Dense", {{"units", 4_i}}, kPicture), Shape::image(4, 7, 10));
}

/// tf.nn's rule, worked by hand: 7 with kernel 3, stride 2 needs 2 zeros, 10 needs 1: none before, one after.
TEST(Shapes, SamePaddingPutsTheOddZeroAfter) {
  const Window window{.size = {3, 3}, .strides = {2, 2}, .same = true, .name = "kernel", .size_option = "kernel_size"};
  const WindowFit fit = fit_window(window, kPicture);
  EXPECT_EQ(fit.pad_top, 1);
  EXPECT_EQ(fit.pad_bottom, 1);
  EXPECT_EQ(fit.pad_left, 0);
  EXPECT_EQ(fit.pad_right, 1);
}

TEST(Shapes, SamePaddingCoversThePicture) {
  for (std::int64_t in = 1; in < 20; ++in) {
    for (std::int64_t size = 1; size < 8; ++size) {
      for (std::int64_t stride = 1; stride < 6; ++stride) {
        const Window window{{size, size}, {stride, stride}, true, "pool", "pool_size"};
        const WindowFit fit = fit_window(window, Shape::image(1, in, in));
        EXPECT_EQ(fit.out_height, (in + stride - 1) / stride);
        const std::int64_t reach = (fit.out_height - 1) * stride + size;
        EXPECT_GE(in + fit.pad_top + fit.pad_bottom, reach);
        EXPECT_TRUE(fit.pad_bottom == 0 || in + fit.pad_top + fit.pad_bottom == reach);
        EXPECT_TRUE(fit.pad_bottom - fit.pad_top == 0 || fit.pad_bottom - fit.pad_top == 1);
        EXPECT_LT(fit.pad_top, size);
      }
    }
  }
}

TEST(Parameters, AreKerass) {
  using Shapes = std::vector<std::vector<std::int64_t>>;
  EXPECT_EQ(parameter_shapes("Dense", {{"units", 4_i}}, Shape::vector(9)), (Shapes{{9, 4}, {4}}));
  EXPECT_EQ(parameter_shapes("Dense", {{"units", 4_i}}, kPicture), (Shapes{{3, 4}, {4}}));
  EXPECT_EQ(parameter_shapes("Dense", {{"units", 4_i}, {"use_bias", false}}, kPicture), (Shapes{{3, 4}}));
  const OptionValues conv{{"filters", 5_i}, {"kernel_size", std::vector<std::int64_t>{2, 4}}};
  EXPECT_EQ(parameter_shapes("Conv2D", conv, kPicture), (Shapes{{2, 4, 3, 5}, {5}}));
  EXPECT_EQ(parameter_shapes("MaxPooling2D", {}, kPicture), Shapes{});

  const auto specs = make_layer("Conv2D", conv)->parameters({&kPicture, 1});
  EXPECT_EQ(specs[0].name, "kernel");
  EXPECT_EQ(specs[0].initializer, Initializer::kGlorotUniform);
  EXPECT_EQ(specs[0].fan_in, 24);
  EXPECT_EQ(specs[0].fan_out, 40);
  EXPECT_EQ(specs[0].size(), 120);
  EXPECT_EQ(specs[1].name, "bias");
  EXPECT_EQ(specs[1].initializer, Initializer::kZeros);
}

TEST(ShapeErrors, WindowLargerThanThePicture) {
  const Shape small = Shape::image(64, 3, 3);
  EXPECT_EQ(message_of([&] {
              return shape_of("Conv2D", {{"filters", 8_i}, {"kernel_size", 5_i}}, small);
            }),
            "kernel 5x5 does not fit the 3x3 input (padding \"valid\")\n  try  padding = \"same\", or kernel_size = 3");
  EXPECT_EQ(message_of([&] {
              return shape_of("AveragePooling2D", {{"pool_size", std::vector<std::int64_t>{2, 4}}}, small);
            }),
            "pool 2x4 does not fit the 3x3 input (padding \"valid\")\n"
            "  try  padding = \"same\", or pool_size = [2, 3]");
}

TEST(ShapeErrors, FlatInput) {
  const std::string expected =
      "needs a picture (height x width x channels), but its input is flat\n  try  put it before Flatten";
  const Shape flat = Shape::vector(9);
  EXPECT_EQ(message_of([&] { return shape_of("Conv2D", {{"filters", 8_i}, {"kernel_size", 5_i}}, flat); }), expected);
  for (const char* type : {"MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"}) {
    EXPECT_EQ(message_of([&] { return shape_of(type, {}, flat); }), expected) << type;
  }
}

TEST(ShapeErrors, AddOfDifferentShapes) {
  const std::vector<Shape> inputs = {Shape::image(3, 7, 10), Shape::image(3, 7, 9)};
  EXPECT_EQ(message_of([&] { return make_layer("Add", {})->output_shape(inputs); }),
            "inputs of different shapes cannot be added\n"
            "  try  the same filters and strides in both, and padding = \"same\"");
  const std::vector<Shape> flat = {Shape::image(3, 1, 1), Shape::vector(3)};
  EXPECT_NE(message_of([&] { return make_layer("Add", {})->output_shape(flat); }), "no error");
}

}  // namespace
}  // namespace lapel::layers
