#include "bench/whole_step.h"

#include <gtest/gtest.h>

#include "lapel/error.h"
#include "support/tiny.h"

namespace lapel::measuring {
namespace {

class WholeStep : public testing::Test {
 protected:
  void SetUp() override {
    spec_.batch_size = 8;
    spec_.optimizer = {"SGD", {{"learning_rate", 0.01}}, {}};
  }

  plan::Network network(bool training) const {
    const std::vector<LayerSpec> layers = {test::layer("Flatten"), test::layer("Dense", {{"units", std::int64_t{4}}})};
    plan::Network made(model::Model("tiny", layers, Shape::image(1, 8, 6)),
                       {kernels::Dtype::kFloat32, 1, 1.0F / 255.0F, spec_.batch_size, training});
    made.parameters().initialize(1);
    return made;
  }

  const DataSet data_ = test::tiny_data(60, 20);
  TrainSpec spec_;
};

TEST_F(WholeStep, MeasuresAsManyAsAskedFor) {
  // 60 pictures: 7 whole batches and one of 4.
  auto trained = network(true);
  const Work work{trained, data_.train, {0, 60}, spec_, BenchMode::kTrain, 8, 33};
  const TimeStatistics time = time_steps(work);
  EXPECT_EQ(time.count, 33);
  EXPECT_GT(time.min, 0);
  EXPECT_LE(time.min, time.q1);
  EXPECT_LE(time.q1, time.median);
  EXPECT_LE(time.median, time.q3);
}

TEST_F(WholeStep, MeasuresWhereAnEpochHasOneWholeBatch) {
  spec_.batch_size = 40;
  auto trained = network(true);
  EXPECT_EQ(time_steps({trained, data_.train, {0, 60}, spec_, BenchMode::kTrain, 40, 20}).count, 20);
}

TEST_F(WholeStep, TrainsTheWeightsOnItsWay) {
  auto trained = network(true);
  const auto before = trained.parameters().get(0);
  (void)time_steps({trained, data_.train, {0, 60}, spec_, BenchMode::kTrain, 8, 20});
  EXPECT_NE(trained.parameters().get(0), before);
}

TEST_F(WholeStep, MeasuresPredictions) {
  auto used = network(false);
  EXPECT_EQ(time_steps({used, data_.train, {0, 60}, spec_, BenchMode::kPredict, 8, 21}).count, 21);
}

}  // namespace
}  // namespace lapel::measuring
