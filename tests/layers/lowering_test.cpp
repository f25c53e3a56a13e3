#include <gtest/gtest.h>

#include "layers/layer.h"
#include "support/samples.h"

namespace lapel::layers {
namespace {

using kernels::ActivationKind;
using kernels::Op;

constexpr std::int64_t operator""_i(unsigned long long value) { return static_cast<std::int64_t>(value); }

std::vector<Op> lowered(std::string_view type, const OptionValues& options, const std::vector<Shape>& inputs) {
  return make_layer(type, options)->lower(inputs);
}

const Shape kPicture = Shape::image(3, 7, 10);

TEST(Lowering, DenseFusesReluAlone) {
  const kernels::DenseOp dense{.rows = 70, .in = 3, .out = 4, .bias = true, .activation = ActivationKind::kLinear};
  kernels::DenseOp with_relu = dense;
  with_relu.activation = ActivationKind::kRelu;
  const kernels::ActivationOp softmax{.kind = ActivationKind::kSoftmax, .size = 280, .axis = 4};
  const auto with = [](const char* activation) {
    return lowered("Dense", {{"units", 4_i}, {"activation", activation}}, {kPicture});
  };
  EXPECT_EQ(with("linear"), (std::vector<Op>{dense}));
  EXPECT_EQ(with("relu"), (std::vector<Op>{with_relu}));
  EXPECT_EQ(with("softmax"), (std::vector<Op>{dense, softmax}));
}

TEST(Lowering, Convolution) {
  const kernels::Conv2DOp conv{.in = kPicture,
                               .out = Shape::image(5, 4, 5),
                               .kernel = {3, 3},
                               .strides = {2, 2},
                               .pad_top = 1,
                               .pad_left = 0,
                               .pad_bottom = 1,
                               .pad_right = 1,
                               .bias = false,
                               .activation = ActivationKind::kLinear};
  const kernels::ActivationOp gelu{.kind = ActivationKind::kGelu, .size = 100, .axis = 5};
  EXPECT_EQ(lowered("Conv2D",
                    {{"filters", 5_i},
                     {"kernel_size", 3_i},
                     {"strides", 2_i},
                     {"padding", "same"},
                     {"use_bias", false},
                     {"activation", "gelu"}},
                    {kPicture}),
            (std::vector<Op>{conv, gelu}));
}

TEST(Lowering, BatchNormalization) {
  EXPECT_EQ(lowered("BatchNormalization", {{"momentum", 0.9}, {"scale", false}}, {kPicture}),
            (std::vector<Op>{kernels::BatchNormOp{
                .size = 210, .channels = 3, .momentum = 0.9, .epsilon = 1e-3, .center = true, .scale = false}}));
}

TEST(Lowering, RandomChangesOfPictures) {
  EXPECT_EQ(lowered("RandomFlip", {{"mode", "horizontal"}}, {kPicture}),
            (std::vector<Op>{kernels::RandomFlipOp{.in = kPicture, .horizontal = true, .vertical = false}}));
  EXPECT_EQ(lowered("RandomFlip", {}, {kPicture}),
            (std::vector<Op>{kernels::RandomFlipOp{.in = kPicture, .horizontal = true, .vertical = true}}));
  EXPECT_EQ(lowered("RandomTranslation",
                    {{"height_factor", 0.1},
                     {"width_factor", 0.25},
                     {"fill_mode", "nearest"},
                     {"fill_value", 0.5},
                     {"interpolation", "nearest"}},
                    {kPicture}),
            (std::vector<Op>{kernels::RandomTranslationOp{.in = kPicture,
                                                          .height_factor = {-0.1, 0.1},
                                                          .width_factor = {-0.25, 0.25},
                                                          .fill = kernels::FillMode::kNearest,
                                                          .fill_value = 0.5F,
                                                          .bilinear = false}}));
}

TEST(Lowering, RandomTurnsZoomsAndErasures) {
  EXPECT_EQ(lowered("RandomRotation", {{"factor", 0.1}, {"interpolation", "nearest"}}, {kPicture}),
            (std::vector<Op>{kernels::RandomAffineOp{.in = kPicture, .rotation = {-0.1, 0.1}, .bilinear = false}}));
  EXPECT_EQ(lowered("RandomZoom", {{"height_factor", NumberRange{0.1, 0.2}}}, {kPicture}),
            (std::vector<Op>{kernels::RandomAffineOp{
                .in = kPicture, .height_zoom = {0.1, 0.2}, .width_zoom = {0.1, 0.2}, .same_zoom = true}}));
  EXPECT_EQ(
      lowered("RandomZoom", {{"height_factor", 0.1}, {"width_factor", 0.2}, {"fill_mode", "wrap"}}, {kPicture}),
      (std::vector<Op>{kernels::RandomAffineOp{
          .in = kPicture, .height_zoom = {-0.1, 0.1}, .width_zoom = {-0.2, 0.2}, .fill = kernels::FillMode::kWrap}}));
  EXPECT_EQ(lowered("RandomErasing", {{"factor", NumberRange{0.5, 0.5}}, {"scale", 0.2}, {"fill_mode", "constant"}},
                    {kPicture}),
            (std::vector<Op>{
                kernels::RandomErasingOp{.in = kPicture, .factor = {0.5, 0.5}, .scale = {0, 0.2}, .noise = false}}));
}

TEST(Lowering, Mixtures) {
  EXPECT_EQ(lowered("MixUp", {{"alpha", 0.4}}, {kPicture}),
            (std::vector<Op>{kernels::MixUpOp{.size = 210, .alpha = 0.4}}));
  EXPECT_EQ(lowered("CutMix", {}, {kPicture}), (std::vector<Op>{kernels::CutMixOp{.in = kPicture, .factor = {0, 1}}}));
}

TEST(Lowering, TheOthers) {
  const kernels::Pool2DOp pool{.kind = kernels::Pool2DOp::Kind::kAverage,
                               .in = kPicture,
                               .out = Shape::image(3, 4, 5),
                               .pool = {2, 2},
                               .strides = {2, 2},
                               .pad_top = 0,
                               .pad_left = 0,
                               .pad_bottom = 1,
                               .pad_right = 0};
  EXPECT_EQ(lowered("AveragePooling2D", {{"padding", "same"}}, {kPicture}), (std::vector<Op>{pool}));
  EXPECT_EQ(lowered("GlobalMaxPooling2D", {}, {kPicture}),
            (std::vector<Op>{kernels::GlobalPool2DOp{kernels::Pool2DOp::Kind::kMax, kPicture}}));
  EXPECT_EQ(lowered("GlobalAveragePooling2D", {}, {kPicture}),
            (std::vector<Op>{kernels::GlobalPool2DOp{kernels::Pool2DOp::Kind::kAverage, kPicture}}));
  EXPECT_EQ(lowered("Flatten", {}, {kPicture}), (std::vector<Op>{kernels::ReshapeOp{210}}));
  EXPECT_EQ(lowered("Dropout", {{"rate", 0.25}}, {kPicture}), (std::vector<Op>{kernels::DropoutOp{210, 0.25, 0}}));
  EXPECT_EQ(lowered("Add", {}, {kPicture, kPicture, kPicture}), (std::vector<Op>{kernels::AddOp{210, 3}}));
  EXPECT_EQ(lowered("Average", {}, {kPicture, kPicture}), (std::vector<Op>{kernels::AddOp{210, 2, 0.5}}));
  EXPECT_EQ(lowered("Activation", {{"activation", "linear"}}, {kPicture}), (std::vector<Op>{kernels::ReshapeOp{210}}));
  EXPECT_EQ(lowered("Activation", {{"activation", "tanh"}}, {kPicture}),
            (std::vector<Op>{kernels::ActivationOp{ActivationKind::kTanh, 210, 3}}));
}

TEST(Lowering, EveryLayerGivesWhatItsShapeSays) {
  for (const auto& type : layer_types()) {
    const auto layer = make_layer(type.type, test::sample_options(type));
    const std::vector<Shape> inputs(static_cast<std::size_t>(layer->min_inputs()), kPicture);
    const std::vector<Op> ops = layer->lower(inputs);
    ASSERT_FALSE(ops.empty()) << type.type;
    EXPECT_EQ(kernels::describe(ops.back()).out, layer->output_shape(inputs).size()) << type.type;
  }
}

}  // namespace
}  // namespace lapel::layers
