// A training that is stopped at any step and goes on ends with the bits of one that was never stopped.

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "lapel/error.h"
#include "support/messages.h"
#include "train/training_run.h"

namespace lapel::training {
namespace {

using test::Outcome;
using test::run;

TrainSpec spec_of(const TypedSpec& optimizer) {
  TrainSpec spec;
  spec.epochs = 3;
  spec.batch_size = 8;
  spec.optimizer = optimizer;
  spec.schedule = {"OneCycle", {}, {}};
  return spec;
}

/// Stops after `step` steps, goes on from the checkpoint that this leaves, and returns how it ended.
Outcome stopped_at(const TrainSpec& spec, std::int64_t step, kernels::Dtype dtype, int threads) {
  test::RunOptions first;
  first.dtype = dtype;
  first.threads = threads;
  first.stop_after = step;
  const Outcome stopped = run(spec, first);
  EXPECT_TRUE(stopped.result.interrupted || step == 15);
  EXPECT_EQ(stopped.result.steps, step);
  test::RunOptions second;
  second.dtype = dtype;
  second.threads = threads;
  second.resume = &stopped.checkpoints.back();
  EXPECT_EQ(second.resume->steps, step);
  return run(spec, second);
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.result.steps, b.result.steps);
  ASSERT_EQ(a.result.history.size(), b.result.history.size());
  for (std::size_t i = 0; i < a.result.history.size(); ++i) {
    EXPECT_EQ(a.result.history[i].loss, b.result.history[i].loss);
    EXPECT_EQ(a.result.history[i].accuracy, b.result.history[i].accuracy);
    EXPECT_EQ(a.result.history[i].val_loss, b.result.history[i].val_loss);
    EXPECT_EQ(a.result.history[i].learning_rate, b.result.history[i].learning_rate);
  }
}

TEST(Resume, AfterEveryStep) {
  auto spec = spec_of({"Adam", {{"learning_rate", 0.01}}, {}});
  spec.use_ema = true;
  spec.ema_momentum = 0.8;
  spec.ema_frequency = 2;
  spec.lookahead_sync_period = 3;
  const Outcome whole = run(spec);
  for (std::int64_t step = 0; step <= 15; ++step) {
    SCOPED_TRACE(step);
    expect_same(stopped_at(spec, step, kernels::Dtype::kFloat32, 1), whole);
  }
}

TEST(Resume, InBothPrecisionsOnSeveralThreads) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    for (const int threads : {1, 2}) {
      for (const TypedSpec& optimizer :
           {TypedSpec{"SGD"}, TypedSpec{"SGD", {{"momentum", 0.9}, {"nesterov", true}}}, TypedSpec{"AdamW"}}) {
        test::RunOptions options;
        options.dtype = dtype;
        options.threads = threads;
        const auto spec = spec_of(optimizer);
        expect_same(stopped_at(spec, 7, dtype, threads), run(spec, options));
      }
    }
  }
}

TEST(Resume, CheckpointsComeAfterEpochsAndWithinLongOnes) {
  test::RunOptions options;
  options.step_seconds = 100;
  options.checkpoint_seconds = 250;
  const Outcome outcome = run(spec_of({"SGD"}), options);
  std::vector<std::int64_t> steps;
  for (const auto& checkpoint : outcome.checkpoints) {
    steps.push_back(checkpoint.steps);
  }
  EXPECT_EQ(steps, (std::vector<std::int64_t>{3, 5, 8, 10, 13, 15}));
}

TEST(Resume, ACheckpointOfAnotherModelIsRefused) {
  const auto spec = spec_of({"SGD"});
  test::RunOptions options;
  options.stop_after = 2;
  auto checkpoint = run(spec, options).checkpoints.back();
  checkpoint.tensors.pop_back();
  options = {};
  options.resume = &checkpoint;
  EXPECT_EQ(lapel::test::message_of([&] { return run(spec, options); }),
            "the checkpoint has no tensor 'weight/dense_1/bias' of this model");
}

/// Validation with the means leaves the training as it is.
TEST(Means, EvaluationChangesNothing) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    auto spec = spec_of({"SGD", {{"learning_rate", 0.1}}, {}});
    test::RunOptions options;
    options.dtype = dtype;
    const auto plain = run(spec, options);
    spec.use_ema = true;
    const auto averaged = run(spec, options);
    EXPECT_EQ(averaged.losses, plain.losses);
    EXPECT_NE(averaged.weights, plain.weights);
    EXPECT_NE(averaged.result.history.back().val_loss, plain.result.history.back().val_loss);
  }
}

/// The weights at the end are those that the last validation was measured with. Without BatchNormalization: its
/// statistics move where a rate of 0 leaves the weights.
TEST(Means, AreWhatIsLeft) {
  auto spec = spec_of({"SGD", {{"learning_rate", 0.1}}, {}});
  spec.use_ema = true;
  test::RunOptions still;
  std::erase_if(still.layers, [](const LayerSpec& layer) { return layer.type == "BatchNormalization"; });
  const auto averaged = run(spec, still);
  still.initial = averaged.weights;
  spec.use_ema = false;
  spec.epochs = 1;
  spec.optimizer = {"SGD", {{"learning_rate", 0.0}}, {}};
  EXPECT_EQ(run(spec, still).result.history.back().val_loss, averaged.result.history.back().val_loss);
}

TEST(Timed, TheScheduleFollowsTheClock) {
  TrainSpec spec = spec_of({"SGD", {{"learning_rate", 1.0}}, {}});
  spec.schedule = {"Linear", {}, {}};
  spec.epochs = 1;  // Has no part in it.
  test::RunOptions options;
  options.step_seconds = 1;
  options.time = 24;
  options.closing = 2;
  const Outcome outcome = run(spec, options);
  // 22 seconds, a step each; the clock stands still in validation.
  EXPECT_EQ(outcome.result.steps, 22);
  EXPECT_FALSE(outcome.result.interrupted);
  ASSERT_EQ(outcome.result.history.size(), 5U);
  EXPECT_NEAR(outcome.result.history[0].learning_rate, 1 - 4.0 / 22, 1e-12);
  EXPECT_NEAR(outcome.result.history[4].learning_rate, 1 - 21.0 / 22, 1e-12);
  // The last epoch had two of its five steps.
  EXPECT_NEAR(outcome.result.history[4].loss, (outcome.losses[20] + outcome.losses[21]) / 2, 1e-6);
}

TEST(Timed, TheLastOfLongStepsHasThePicturesThatFit) {
  TrainSpec spec = spec_of({"SGD", {{"learning_rate", 0.1}}, {}});
  test::RunOptions options;
  options.step_seconds = 1;
  options.time = 7.5;
  const Outcome outcome = run(spec, options);
  // Five steps, two of the second epoch, and half a second, of which a tenth is left for sure: 3 pictures of 8.
  ASSERT_EQ(outcome.result.steps, 8);
  const auto& losses = outcome.losses;
  EXPECT_NEAR(outcome.result.history[1].loss, (8 * losses[5] + 8 * losses[6] + 3 * losses[7]) / 19, 1e-6);
}

TEST(Timed, WarmUpInEpochsIsThatOfThePace) {
  TrainSpec spec = spec_of({"SGD", {{"learning_rate", 1.0}}, {}});
  spec.schedule = {"Constant", {{"warmup_epochs", 2.0}}, {}};
  test::RunOptions options;
  options.step_seconds = 1;
  options.time = 50;
  options.closing = 0;
  const Outcome outcome = run(spec, options);
  ASSERT_EQ(outcome.result.history.size(), 10U);
  EXPECT_NEAR(outcome.result.history[0].learning_rate, 0.4, 1e-12);
  EXPECT_NEAR(outcome.result.history[1].learning_rate, 0.9, 1e-12);
  EXPECT_NEAR(outcome.result.history[2].learning_rate, 1, 1e-12);
}

TEST(Timed, ASlowerMachineTakesFewerStepsAndEndsAtTheSameRate) {
  TrainSpec spec = spec_of({"SGD", {{"learning_rate", 1.0}}, {}});
  spec.schedule = {"Cosine", {}, {}};
  test::RunOptions options;
  options.step_seconds = 0.1;
  options.slower_after = 30;
  options.time = 10;
  options.closing = 0.5;
  const Outcome outcome = run(spec, options);
  EXPECT_LT(outcome.result.steps, 70);
  // What follows takes three times its half second.
  EXPECT_LE(outcome.end + 1.5, 10);
  EXPECT_GT(outcome.end + 1.5, 10 * 0.97);
  EXPECT_LT(outcome.result.history.back().learning_rate, 0.02);
}

}  // namespace
}  // namespace lapel::training
