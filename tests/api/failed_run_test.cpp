#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "lapel/classifier.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/train.h"
#include "support/messages.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

namespace fs = std::filesystem;
using test::message_of;
using testing::slurp;

/// What becomes of a run folder where its training fails.
class FailedRun : public ::testing::Test {
 protected:
  [[nodiscard]] TrainSettings settings() const {
    TrainSettings result;
    result.folder = temp_.path() / "run";
    return result;
  }
  [[nodiscard]] fs::path run() const { return temp_.path() / "run"; }

  const DataSet data_ = test::tiny_data(60, 20);
  const testing::TempFolder temp_;
};

Recipe tiny_recipe() {
  Recipe recipe;
  recipe.name = "tiny";
  recipe.layers = {test::layer("Flatten"),
                   test::layer("Dense", {{"units", std::int64_t{4}}, {"activation", std::string("softmax")}})};
  recipe.train.epochs = 3;
  recipe.train.batch_size = 8;
  recipe.train.threads = 1;
  return recipe;
}

/// Fails after so many steps, as a full disk does.
class FailAt : public Callback {
 public:
  explicit FailAt(std::int64_t step, ErrorKind kind = ErrorKind::kIo) : step_(step), kind_(kind) {}
  void on_step(Training& training) override {
    if (training.steps() == step_) {
      throw Error(kind_, "somewhere", "no room");
    }
  }

 private:
  std::int64_t step_;
  ErrorKind kind_;
};

class StopAt : public Callback {
 public:
  explicit StopAt(std::int64_t step) : step_(step) {}
  void on_step(Training& training) override {
    if (training.steps() == step_) {
      source_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::int64_t step_;
  std::stop_source source_;
};

TEST_F(FailedRun, WithACheckpointOfTheFirstEpochStaysAndGoesOn) {
  FailAt fail(4);
  TrainSettings first = settings();
  first.checkpoint_seconds = 0;  // After every step.
  first.callbacks = {&fail};
  EXPECT_EQ(message_of([&] { return train(tiny_recipe(), data_, first); }),
            "somewhere: no room\n  try  to mend that, then lapel train --resume " + run().string());
  EXPECT_NE(slurp(run() / "metrics.json").find("\"failed\""), std::string::npos);
  FailAt never(-1);
  TrainSettings again = settings();
  again.resume = true;
  again.callbacks = {&never};
  const TrainResult resumed = train(tiny_recipe(), data_, again);
  EXPECT_EQ(resumed.record.status, "complete");
  const TrainResult whole = train(tiny_recipe(), data_);
  EXPECT_EQ(resumed.record.test->loss, whole.record.test->loss);
}

TEST_F(FailedRun, WithoutACheckpointIsRemovedAndSaysSo) {
  TrainSettings first = settings();
  FailAt fail(2);
  first.callbacks = {&fail};
  EXPECT_EQ(message_of([&] { return train(tiny_recipe(), data_, first); }), "somewhere: no room");
  EXPECT_FALSE(fs::exists(run()));
}

TEST_F(FailedRun, AFolderThatWasThereBeforeIsEmptiedNotRemoved) {
  fs::create_directory(run());
  TrainSettings first = settings();
  FailAt fail(2);
  first.callbacks = {&fail};
  EXPECT_THROW((void)train(tiny_recipe(), data_, first), Error);
  EXPECT_TRUE(fs::is_empty(run()));
}

TEST_F(FailedRun, AResumeThatFailsLeavesMetricsAndModelOfEachOther) {
  StopAt stop(3);
  TrainSettings first = settings();
  first.callbacks = {&stop};
  first.stop = stop.token();
  EXPECT_EQ(train(tiny_recipe(), data_, first).record.status, "interrupted");
  const std::string metrics = slurp(run() / "metrics.json");
  const std::string model = slurp(run() / "model.safetensors");
  for (const std::int64_t step : {5, 12}) {  // In the first epoch, and after it.
    FailAt fail(step);
    TrainSettings again = settings();
    again.resume = true;
    again.callbacks = {&fail};
    EXPECT_THROW((void)train(tiny_recipe(), data_, again), Error);
    EXPECT_EQ(slurp(run() / "metrics.json"), metrics);
    EXPECT_EQ(slurp(run() / "model.safetensors"), model);
  }
}

TEST_F(FailedRun, WhatACallbackOfTheCallerThrowsIsPassedOnAsItIs) {
  class Strange : public Callback {
    void on_step(Training& /*training*/) override { throw 7; }
  } strange;
  TrainSettings first = settings();
  first.callbacks = {&strange};
  EXPECT_THROW((void)train(tiny_recipe(), data_, first), int);
  EXPECT_FALSE(fs::exists(run()));
}

/// The last step of the last epoch has a finite loss, and leaves weights whose answers are no numbers.
TEST_F(FailedRun, AModelThatIsNotFiniteIsNoResult) {
  Recipe recipe = tiny_recipe();
  recipe.layers.insert(recipe.layers.begin() + 1, test::layer("Dense", {{"units", std::int64_t{8}}}));
  recipe.layers.insert(recipe.layers.begin() + 1, test::layer("Dense", {{"units", std::int64_t{8}}}));
  recipe.train.epochs = 1;
  recipe.train.batch_size = 60;
  recipe.train.optimizer = {"SGD", {{"learning_rate", 1e30}}, {}};
  const std::string problem = message_of([&] { return train(recipe, data_, settings()); });
  EXPECT_EQ(problem.substr(0, problem.find('\n')),
            "after step 1: the loss on the training pictures is not a number (NaN)");
  EXPECT_FALSE(fs::exists(run() / "model.safetensors"));
  EXPECT_NE(slurp(run() / "metrics.json").find("\"failed\""), std::string::npos);
}

TEST_F(FailedRun, TemporaryFilesOfKilledProcessesAreRemovedByAResume) {
  StopAt stop(3);
  TrainSettings first = settings();
  first.callbacks = {&stop};
  first.stop = stop.token();
  (void)train(tiny_recipe(), data_, first);
  // No process has so large a number.
  for (const char* name : {".metrics.json.tmp-2147483647", "checkpoints/.step.tmp-2147483647"}) {
    (void)temp_.put(std::string("run/") + name, std::string("half"));
  }
  StopAt never(-1);
  TrainSettings again = settings();
  again.resume = true;
  again.callbacks = {&never};
  (void)train(tiny_recipe(), data_, again);
  for (const auto& entry : fs::recursive_directory_iterator(run())) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos) << entry.path();
  }
}

TEST_F(FailedRun, FoldersThatAreLinksAreRefused) {
  StopAt stop(3);
  TrainSettings first = settings();
  first.callbacks = {&stop};
  first.stop = stop.token();
  (void)train(tiny_recipe(), data_, first);
  fs::create_directory(temp_.path() / "elsewhere");
  fs::create_directory_symlink(temp_.path() / "elsewhere", run() / "plots" / "inner");
  TrainSettings again = settings();
  again.resume = true;
  const std::string expected = (run() / "plots" / "inner").string() +
                               ": is a symbolic link in a run folder, and is not followed\n"
                               "  try  the folder itself in its place";
  EXPECT_EQ(message_of([&] { return train(tiny_recipe(), data_, again); }), expected);
  EXPECT_EQ(message_of([&] { return draw_run(run(), PlotFormat::kPng); }), expected);
}

}  // namespace
}  // namespace lapel
