// Every layer that changes pictures in training, together with every other one, with each loss and each optimizer: two
// steps, finite, the same on one thread and on two.

#include <gtest/gtest.h>

#include <cmath>

#include "layers/layer.h"
#include "support/samples.h"
#include "support/step_losses.h"
#include "support/tiny.h"
#include "train/loop.h"
#include "train/options.h"

namespace lapel::training {
namespace {

std::vector<const layers::LayerType*> augmentations() {
  std::vector<const layers::LayerType*> types;
  for (const auto& type : layers::layer_types()) {
    const auto layer = layers::make_layer(type.type, test::sample_options(type));
    if (layer->before_weights()) {
      types.push_back(&type);
    }
  }
  return types;
}

LayerSpec sample(const layers::LayerType& type) {
  return test::layer(std::string(type.type), test::sample_options(type));
}

/// The losses of two steps with these layers before a small network.
std::vector<double> losses(std::vector<LayerSpec> layers, const TypedSpec& loss, const TypedSpec& optimizer,
                           kernels::Dtype dtype, int threads) {
  layers.push_back(test::layer("Conv2D", {{"filters", std::int64_t{3}}, {"kernel_size", std::int64_t{3}}}));
  layers.push_back(test::layer("BatchNormalization"));
  layers.push_back(test::layer("Flatten"));
  layers.push_back(test::layer("Dense", {{"units", std::int64_t{4}}}));
  static const LabeledPictures kPictures = test::tiny_pictures(16, 9, 7, 3, 4);
  TrainSpec spec;
  spec.batch_size = 8;
  spec.loss = loss;
  spec.optimizer = optimizer;
  plan::Network network(model::Model("m", layers, Shape::image(3, 9, 7)),
                        {dtype, threads, 1.0F / 255.0F, spec.batch_size, true});
  network.parameters().initialize(1);
  test::StepLosses noted;
  (void)run_loop(network, {kPictures, {{0, 16}, {16, 0}}, spec, {&noted}, {}});
  return noted.take();
}

void check(const std::vector<LayerSpec>& layers, const TypedSpec& loss, const TypedSpec& optimizer) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    const auto two = losses(layers, loss, optimizer, dtype, 2);
    ASSERT_EQ(two.size(), 2U);
    EXPECT_TRUE(std::isfinite(two[0]) && std::isfinite(two[1]));
    EXPECT_EQ(losses(layers, loss, optimizer, dtype, 2), two);
    const auto one = losses(layers, loss, optimizer, dtype, 1);
    const double tolerance = dtype == kernels::Dtype::kFloat32 ? 1e-4 : 2e-2;
    EXPECT_NEAR(one[0], two[0], tolerance * two[0]);
    EXPECT_NEAR(one[1], two[1], tolerance * two[1]);
  }
}

TEST(AugmentationPairs, EachWithEachLossAndOptimizer) {
  ASSERT_GE(augmentations().size(), 7U);
  for (const auto* type : augmentations()) {
    for (const auto& loss : loss_types()) {
      for (const auto& optimizer : optimizer_types()) {
        SCOPED_TRACE(::testing::Message() << type->type << ", " << loss.type << ", " << optimizer.type);
        check({sample(*type)}, {std::string(loss.type), {{"label_smoothing", 0.1}}, {}},
              {std::string(optimizer.type), {}, {}});
      }
    }
  }
}

TEST(AugmentationPairs, EachAfterEachOther) {
  for (const auto* first : augmentations()) {
    for (const auto* second : augmentations()) {
      SCOPED_TRACE(::testing::Message() << first->type << ", " << second->type);
      check({sample(*first), sample(*second)}, {"categorical_crossentropy", {}, {}}, {"SGD", {}, {}});
    }
  }
}

TEST(AugmentationPairs, AllTogether) {
  std::vector<LayerSpec> layers;
  for (const auto* type : augmentations()) {
    layers.push_back(sample(*type));
  }
  check(layers, {"sparse_categorical_crossentropy", {}, {}}, {"Adam", {}, {}});
}

}  // namespace
}  // namespace lapel::training
