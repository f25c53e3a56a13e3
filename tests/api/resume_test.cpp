#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stop_token>

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

class ResumeApi : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path folder(const char* name) const { return temp_.path() / name; }
  [[nodiscard]] TrainSettings settings(const char* name) const {
    TrainSettings result;
    result.folder = folder(name);
    return result;
  }
  /// A run that was stopped before its epoch 3.
  void stopped_run(const char* name);

  const DataSet data_ = test::tiny_data(60, 20);

 private:
  testing::TempFolder temp_;
};

Recipe tiny_recipe() {
  Recipe recipe;
  recipe.name = "tiny";
  recipe.data.validation = "last 10";
  recipe.layers = {test::layer("Flatten"),
                   test::layer("Dense", {{"units", std::int64_t{16}}, {"activation", std::string("relu")}}),
                   test::layer("Dropout", {{"rate", 0.1}}),
                   test::layer("Dense", {{"units", std::int64_t{4}}, {"activation", std::string("softmax")}})};
  recipe.train.epochs = 4;
  recipe.train.batch_size = 8;
  recipe.train.optimizer = {"Adam", {{"learning_rate", 0.01}}, {}};
  recipe.train.use_ema = true;
  return recipe;
}

class StopAfter : public Callback {
 public:
  explicit StopAfter(std::int64_t epoch) : epoch_(epoch) {}
  void on_epoch(Training& training) override {
    if (training.history().back().epoch == epoch_) {
      source_.request_stop();
    }
  }
  void on_begin(Training& training) override { resumed_ = training.progress(); }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] const Progress& resumed() const { return resumed_; }

 private:
  std::int64_t epoch_;
  std::stop_source source_;
  Progress resumed_;
};

void ResumeApi::stopped_run(const char* name) {
  StopAfter stop(2);
  TrainSettings first = settings(name);
  first.callbacks = {&stop};
  first.stop = stop.token();
  EXPECT_EQ(train(tiny_recipe(), data_, first).record.status, "interrupted");
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(ResumeApi, EndsAsIfItHadNeverBeenStopped) {
  (void)train(tiny_recipe(), data_, settings("whole"));
  stopped_run("parts");
  EXPECT_TRUE(fs::exists(folder("parts") / "checkpoints"));
  StopAfter hears(0);
  TrainSettings second = settings("parts");
  second.resume = true;
  second.callbacks = {&hears};
  const auto result = train(tiny_recipe(), data_, second);
  EXPECT_EQ(hears.resumed().epoch, 3);
  EXPECT_EQ(hears.resumed().step, 0);
  EXPECT_EQ(result.record.status, "complete");
  EXPECT_EQ(result.record.steps, 4 * 7);
  EXPECT_EQ(result.history.size(), 4U);
  EXPECT_EQ(text_of(folder("parts") / "model.safetensors"), text_of(folder("whole") / "model.safetensors"));
  EXPECT_FALSE(fs::exists(folder("parts") / "checkpoints")) << "a complete run has no use for them";
  EXPECT_EQ(read_run(folder("parts")).history.size(), 4U);
}

TEST_F(ResumeApi, WhatCannotGoOnIsRefusedAndLeftAsItIs) {
  const auto refusal = [&](const Recipe& recipe, const DataSet& data, const char* name) {
    TrainSettings again = settings(name);
    again.resume = true;
    return message_of([&] { return train(recipe, data, again); });
  };
  const std::string there = folder("run").string();
  EXPECT_EQ(refusal(tiny_recipe(), data_, "run"), there +
                                                      ": there is no such run folder\n  try  a folder that `lapel "
                                                      "train` made");
  stopped_run("run");
  const std::string metrics = text_of(folder("run") / "metrics.json");
  Recipe other = tiny_recipe();
  other.train.epochs = 5;
  EXPECT_EQ(refusal(other, data_, "run"),
            there +
                ": this run was begun with another recipe\n  then  epochs = 4        now  epochs = 5        try  the "
                "recipe as it was, or another training, into another folder");
  DataSet changed = data_;
  changed.train.pictures.pixels[5] ^= 1;
  EXPECT_EQ(refusal(tiny_recipe(), changed, "run"),
            there +
                ": this run was begun with other training pictures\n  now  60 pictures        try  the pictures as "
                "they were, or another training, into another folder");
  EXPECT_EQ(text_of(folder("run") / "metrics.json"), metrics);
  (void)train(tiny_recipe(), data_, settings("done"));
  EXPECT_EQ(refusal(tiny_recipe(), data_, "done"),
            folder("done").string() + ": this run is complete: nothing is left to be trained\n  try  lapel train " +
                "--continue " + folder("done").string() +
                " --set train.epochs=+10, which trains it further in another folder");
}

TEST_F(ResumeApi, ATimeBudgetLeavesARecordOfWhatItWasUsedFor) {
  Recipe recipe = tiny_recipe();
  recipe.train.time_budget = "1s";
  const auto result = train(recipe, data_, settings("run"));
  EXPECT_EQ(result.record.status, "complete");
  EXPECT_EQ(result.record.time_budget, 1);
  EXPECT_GT(result.record.steps, 0);
  EXPECT_GE(result.history.size(), 1U);
}

TEST_F(ResumeApi, ATimeThatIsOverIsNoTime) {
  Recipe recipe = tiny_recipe();
  recipe.train.time_budget = "10s";
  TrainSettings late = settings("run");
  late.started = std::chrono::steady_clock::now() - std::chrono::seconds(20);
  const std::string problem = message_of([&] { return train(recipe, data_, late); });
  EXPECT_EQ(problem.substr(0, problem.find('\n')),
            "train.time_budget = \"10s\": the time is over before the first step");
  EXPECT_FALSE(fs::exists(folder("run")));
}

}  // namespace
}  // namespace lapel
