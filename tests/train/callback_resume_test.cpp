// Callbacks of every kind, alone, in pairs and all together: a training that is stopped at any step and goes on ends
// with the bits of one that was never stopped, and leaves the same files.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "lapel/error.h"
#include "support/callbacks.h"
#include "support/temp_folder.h"
#include "train/training_run.h"

namespace lapel::training {
namespace {

using test::Outcome;

TrainSpec spec_of(double learning_rate = 0.3) {
  TrainSpec spec;
  spec.epochs = 4;
  spec.batch_size = 8;
  spec.optimizer = {"SGD", {{"learning_rate", learning_rate}, {"momentum", 0.9}}, {}};
  return spec;
}

using Specs = std::vector<TypedSpec>;

/// Trains with these callbacks, which write into `folder`.
Outcome run(const TrainSpec& spec, const Specs& callbacks, const std::filesystem::path& folder,
            test::RunOptions options = {}) {
  std::vector<std::unique_ptr<Callback>> owned;
  for (const auto& callback : callbacks) {
    owned.push_back(make_callback(callback, {folder}));
    options.callbacks.push_back(owned.back().get());
  }
  return test::run(spec, options);
}

void expect_same(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.result.steps, b.result.steps);
  EXPECT_EQ(a.result.stopped_by, b.result.stopped_by);
  ASSERT_EQ(a.result.history.size(), b.result.history.size());
  for (std::size_t i = 0; i < a.result.history.size(); ++i) {
    EXPECT_EQ(a.result.history[i].loss, b.result.history[i].loss);
    EXPECT_EQ(a.result.history[i].val_loss, b.result.history[i].val_loss);
    EXPECT_EQ(a.result.history[i].learning_rate, b.result.history[i].learning_rate);
  }
}

/// Each alone, each with each other, all of them.
std::vector<Specs> combinations() {
  std::vector<Specs> all;
  Specs every;
  for (const auto& a : callback_types()) {
    all.push_back({lapel::test::sample_callback(a)});
    for (const auto& b : callback_types()) {
      if (a.type < b.type) {
        all.push_back({lapel::test::sample_callback(a), lapel::test::sample_callback(b)});
      }
    }
    every.push_back(lapel::test::sample_callback(a));
  }
  all.push_back(every);
  return all;
}

std::string names_of(const Specs& specs) {
  std::string names;
  for (const auto& spec : specs) {
    names += spec.type + " ";
  }
  return names;
}

/// Stops after `step` steps, and goes on from the last checkpoint, or, where it was killed, from the one before that.
void expect_resumes(const TrainSpec& spec, const Specs& callbacks, const test::RunOptions& options) {
  const lapel::testing::TempFolder whole_folder;
  const Outcome whole = run(spec, callbacks, whole_folder.path(), options);
  for (const std::int64_t step : {1, 5, 7, 10, 14}) {
    for (const bool killed : {false, true}) {
      SCOPED_TRACE(names_of(callbacks) + std::to_string(step) + (killed ? " killed" : ""));
      const lapel::testing::TempFolder folder;
      test::RunOptions first = options;
      first.stop_after = step;
      const Outcome stopped = run(spec, callbacks, folder.path(), first);
      const std::size_t back = killed ? 2 : 1;
      if (stopped.checkpoints.size() < back) {
        continue;
      }
      test::RunOptions second = options;
      second.resume = &stopped.checkpoints[stopped.checkpoints.size() - back];
      expect_same(run(spec, callbacks, folder.path(), second), whole);
      EXPECT_EQ(lapel::test::lasting_files(folder.path()), lapel::test::lasting_files(whole_folder.path()));
    }
  }
}

TEST(CallbackResume, EveryKindWithEveryOther) {
  for (const Specs& callbacks : combinations()) {
    expect_resumes(spec_of(), callbacks, {});
  }
}

TEST(CallbackResume, WithMeansInBothPrecisionsOnSeveralThreads) {
  auto spec = spec_of();
  spec.use_ema = true;
  spec.ema_momentum = 0.7;
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    for (const auto lookahead : {0, 3}) {
      test::RunOptions options;
      options.dtype = dtype;
      options.threads = 2;
      spec.lookahead_sync_period = lookahead;
      expect_resumes(spec, combinations().back(), options);
    }
  }
}

/// The weights at the end are those of the best validation, whatever ended the training.
TEST(EarlyStopping, RestoresTheBestWeights) {
  const TypedSpec stop{"EarlyStopping", {{"restore_best_weights", true}, {"patience", std::int64_t{100}}}, {}};
  for (const bool ema : {false, true}) {
    auto spec = spec_of(0.6);
    spec.use_ema = ema;
    spec.ema_momentum = 0.5;
    spec.epochs = 12;
    const Outcome outcome = run(spec, {stop}, {});
    const auto& history = outcome.result.history;
    const auto best = std::min_element(history.begin(), history.end(),
                                       [](const auto& a, const auto& b) { return *a.val_loss < *b.val_loss; });
    ASSERT_LT(best->epoch, 12);
    auto until_best = spec;
    until_best.epochs = best->epoch;
    EXPECT_EQ(outcome.weights, run(until_best, {}, {}).weights);
    test::RunOptions interrupted;
    interrupted.stop_after = 5 * best->epoch + 3;
    EXPECT_EQ(run(spec, {stop}, {}, interrupted).weights, outcome.weights) << "interrupted";
  }
}

TEST(EarlyStopping, EndsTheTraining) {
  const TypedSpec stop{"EarlyStopping", {{"monitor", "loss"}, {"min_delta", 1.0}}, {}};
  const Outcome outcome = run(spec_of(), {stop}, {});
  EXPECT_EQ(outcome.result.history.size(), 2U);
  EXPECT_FALSE(outcome.result.interrupted);
  EXPECT_EQ(outcome.result.stopped_by, "EarlyStopping: loss was no better for 1 epoch");
}

TEST(TerminateOnNan, KeepsTheWeightsBeforeThatStep) {
  // The first step's update is so large that the second step's loss is not a number.
  const auto spec = spec_of(1e30);
  const Outcome outcome = [&] {
    auto without_norm = test::RunOptions();
    std::erase_if(without_norm.layers, [](const LayerSpec& layer) { return layer.type == "BatchNormalization"; });
    return run(spec, {{"TerminateOnNaN"}}, {}, without_norm);
  }();
  EXPECT_EQ(outcome.result.steps, 1);
  EXPECT_EQ(outcome.result.history.size(), 1U) << "over the steps that it had";
  EXPECT_EQ(outcome.result.stopped_by, "TerminateOnNaN: epoch 1, step 2 of 5: the loss became not a number (NaN)");
  EXPECT_THROW((void)run(spec, {{"TerminateOnNaN", {{"raise_error", true}}, {}}}, {}), Error);
}

TEST(Weights, ThatAreNotFiniteAreAFailure) {
  auto spec = spec_of(1e39);  // Infinite as a float.
  spec.epochs = 1;
  spec.batch_size = 64;  // One step.
  try {
    (void)run(spec, {}, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
    EXPECT_EQ(error.place(), "after step 1");
    EXPECT_TRUE(error.problem().starts_with("the weight '")) << error.what();
  }
}

}  // namespace
}  // namespace lapel::training
