// Factors of the loss by class: what they are, and what a training makes of them.

#include "train/class_weights.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/messages.h"
#include "train/training_run.h"

namespace lapel::training {
namespace {

const std::vector<std::string> kNames = {"cat", "dog", "eel", "fox"};

// scikit-learn: compute_class_weight("balanced", classes=[0, 1, 3], y=labels) is [0.5, 2/3, 4].
TEST(ClassWeights, BalancedAsScikitLearnHasThem) {
  const std::vector<Label> labels = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3};
  const auto weights = class_weights({true, {}}, kNames, labels);
  EXPECT_EQ(weights, (std::vector<float>{0.75F, 18.0F / 27, 1.0F, 6.0F})) << "the eel has no picture";
}

TEST(ClassWeights, NamedOnesAndOneForOthers) {
  const std::vector<Label> labels = {0, 1, 2, 3};
  EXPECT_EQ(class_weights({false, {{"dog", 2.5}, {"fox", 0}}}, kNames, labels), (std::vector<float>{1, 2.5F, 1, 0}));
  EXPECT_TRUE(class_weights({}, kNames, labels).empty());
  EXPECT_TRUE(class_weights({true, {}}, kNames, labels).empty()) << "all classes have as many pictures";
}

TEST(ClassWeights, AnUnknownClassIsRefused) {
  EXPECT_EQ(lapel::test::message_of([] {
              return class_weights({false, {{"dgo", 2}}}, kNames, std::vector<Label>{0});
            }),
            "train.class_weight: \"dgo\" is not a class of this data set\n"
            "  classes  cat, dog, eel, fox        try  dog");
  EXPECT_EQ(lapel::test::message_of([] {
              return class_weights({false, {{"cat", 0}}}, kNames, std::vector<Label>{0, 0});
            }),
            "train.class_weight: all classes with training pictures have the weight 0\n"
            "  pictures  2        try  a weight above 0 for at least one of them");
}

TrainSpec short_training() {
  TrainSpec spec;
  spec.epochs = 2;
  spec.batch_size = 8;
  return spec;
}

test::RunOptions weighted(std::vector<float> weights) {
  test::RunOptions options;
  options.class_weights = std::move(weights);
  return options;
}

TEST(ClassWeights, ATrainingStoppedAnywhereEndsWithTheSameBits) {
  const auto options = weighted({0.5F, 2, 1, 4});
  const auto whole = test::run(short_training(), options);
  for (const std::int64_t step : {1, 4, 5, 8}) {
    auto first = options;
    first.stop_after = step;
    const auto stopped = test::run(short_training(), first);
    auto second = options;
    second.resume = &stopped.checkpoints.back();
    EXPECT_EQ(test::run(short_training(), second).weights, whole.weights) << step;
  }
  EXPECT_NE(test::run(short_training()).weights, whole.weights);
}

// Keras weighs the loss that it shows of training, but neither accuracy nor validation.
TEST(ClassWeights, ScaleTheLossOfTrainingAlone) {
  TrainSpec spec = short_training();
  spec.epochs = 1;
  spec.optimizer = {"SGD", {{"learning_rate", 0.0}}, {}};
  const auto plain = test::run(spec);
  const auto twice = test::run(spec, weighted({2, 2, 2, 2}));
  EXPECT_NEAR(twice.result.history[0].loss, 2 * plain.result.history[0].loss, 1e-6);
  EXPECT_EQ(twice.result.history[0].accuracy, plain.result.history[0].accuracy);
  EXPECT_EQ(twice.result.history[0].val_loss, plain.result.history[0].val_loss);
}

}  // namespace
}  // namespace lapel::training
