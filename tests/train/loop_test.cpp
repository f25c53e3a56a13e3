#include "train/loop.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lapel/error.h"
#include "support/step_losses.h"
#include "support/tiny.h"

namespace lapel::training {
namespace {

using test::layer;

std::vector<LayerSpec> dropout_layers() {
  return {layer("Flatten"), layer("Dense", {{"units", std::int64_t{24}}, {"activation", std::string("relu")}}),
          layer("Dropout", {{"rate", 0.3}}), layer("Dense", {{"units", std::int64_t{4}}})};
}

TrainSpec quick_spec() {
  TrainSpec spec;
  spec.epochs = 3;
  spec.batch_size = 8;
  spec.optimizer = {"Adam", {{"learning_rate", 0.01}}, {}};
  return spec;
}

struct Trained {
  LoopResult result;
  std::vector<double> losses;
  std::vector<std::vector<float>> weights;
};

Trained run(const TrainSpec& spec, int threads = 2, const std::vector<LayerSpec>& layers = dropout_layers(),
            kernels::Dtype dtype = kernels::Dtype::kFloat32, std::stop_token stop = {}, Callback* callback = nullptr) {
  const auto pictures = test::tiny_pictures(45, 8, 6, 1, 4);
  plan::Network network(model::Model("m", layers, Shape::image(1, 8, 6)),
                        {dtype, threads, 1.0F / 255.0F, spec.batch_size, true});
  network.parameters().initialize(static_cast<std::uint64_t>(spec.seed));
  Trained trained;
  test::StepLosses losses;
  LoopInput input{pictures, {{0, 37}, {37, 8}}, spec, {&losses}, std::move(stop)};
  if (callback != nullptr) {
    input.callbacks.push_back(callback);
  }
  trained.result = run_loop(network, input);
  trained.losses = losses.take();
  for (std::size_t i = 0; i < network.parameters().entries().size(); ++i) {
    trained.weights.push_back(network.parameters().get(i));
  }
  return trained;
}

TEST(Loop, LearnsWhatShows) {
  auto spec = quick_spec();
  spec.epochs = 30;
  const auto trained = run(spec);
  ASSERT_EQ(trained.result.history.size(), 30U);
  EXPECT_GT(trained.result.history.back().accuracy, 0.9);
  EXPECT_LT(trained.result.history.back().loss, trained.result.history.front().loss / 2);
  EXPECT_GT(*trained.result.history.back().val_accuracy, 0.7);
}

TEST(Loop, KeepsTheLastPartialBatch) {
  const auto trained = run(quick_spec());
  EXPECT_EQ(trained.result.steps, 3 * 5);
  EXPECT_EQ(trained.losses.size(), 15U);
}

TEST(Loop, HistoryIsTheMeanOverTheSamplesOfAnEpoch) {
  const auto trained = run(quick_spec());
  const double sum =
      8 * (trained.losses[0] + trained.losses[1] + trained.losses[2] + trained.losses[3]) + 5 * trained.losses[4];
  EXPECT_NEAR(trained.result.history[0].loss, sum / 37, 1e-6);
}

TEST(Loop, TheSameSeedGivesTheSameBits) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    const auto first = run(quick_spec(), 2, dropout_layers(), dtype);
    const auto second = run(quick_spec(), 2, dropout_layers(), dtype);
    EXPECT_EQ(first.losses, second.losses);
    EXPECT_EQ(first.weights, second.weights);
  }
  auto other = quick_spec();
  other.seed = 2;
  EXPECT_NE(run(quick_spec()).losses, run(other).losses);
}

TEST(Loop, OneThreadAndTwoSeeTheSameBatchesAndTheSameDropout) {
  const auto one = run(quick_spec(), 1);
  const auto two = run(quick_spec(), 2);
  ASSERT_EQ(one.losses.size(), two.losses.size());
  for (std::size_t i = 0; i < one.losses.size(); ++i) {
    EXPECT_NEAR(one.losses[i], two.losses[i], 1e-4 * one.losses[i]) << "step " << i + 1;
  }
}

TEST(Loop, OptimizersAndSchedulesAreObeyed) {
  auto spec = quick_spec();
  spec.schedule = {"OneCycle", {}, {}};
  const auto history = run(spec).result.history;
  // The last of 15 steps begins when 14 are done.
  const double expected = 0.01 * (0.0001 + 0.9999 * (1 + std::cos(M_PI * (14.0 / 15 - 0.25) / 0.75)) / 2);
  EXPECT_NEAR(history.back().learning_rate, expected, 1e-9);
}

TEST(Loop, ALossThatIsNotANumberStopsAtThatStep) {
  auto spec = quick_spec();
  spec.optimizer = {"SGD", {{"learning_rate", 1e30}}, {}};
  spec.shuffle = false;
  try {
    (void)run(spec);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
    EXPECT_TRUE(error.place().starts_with("epoch 1, step ")) << error.what();
    EXPECT_TRUE(error.problem().starts_with("the loss became ")) << error.what();
    EXPECT_EQ(error.hint(), "a smaller learning rate: --set train.optimizer.learning_rate=1e+29");
  }
}

class Stopper : public Callback {
 public:
  explicit Stopper(std::stop_source& source) : source_(source) {}
  void on_epoch(Training& training) override {
    EXPECT_EQ(training.progress().step, training.progress().steps);
    if (training.history().back().epoch == 2) {
      source_.request_stop();
    }
  }

 private:
  std::stop_source& source_;
};

TEST(Loop, StopsAfterTheStepInHand) {
  std::stop_source source;
  Stopper stopper(source);
  auto spec = quick_spec();
  spec.epochs = 100;
  const auto trained = run(spec, 2, dropout_layers(), kernels::Dtype::kFloat32, source.get_token(), &stopper);
  EXPECT_TRUE(trained.result.interrupted);
  EXPECT_EQ(trained.result.history.size(), 2U);
  EXPECT_EQ(trained.result.steps, 10);
}

TEST(Loop, ABatchIsNeverLargerThanTheData) {
  TrainSpec spec;
  spec.batch_size = 64;
  EXPECT_EQ(effective_batch(spec, 10), 10);
  EXPECT_EQ(effective_batch(spec, 1000), 64);
}

}  // namespace
}  // namespace lapel::training
