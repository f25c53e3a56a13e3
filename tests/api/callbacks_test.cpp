// `[[train.callbacks]]` in whole trainings, with their run folders.

#include "support/callbacks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stop_token>

#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/report.h"
#include "lapel/train.h"
#include "support/messages.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

namespace fs = std::filesystem;

/// Stops after an epoch, of all members together.
class StopAfter : public Callback {
 public:
  explicit StopAfter(std::int64_t epoch) : left_(epoch) {}
  void on_epoch(Training& /*training*/) override {
    if (--left_ == 0) {
      source_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::int64_t left_;
  std::stop_source source_;
};

class CallbackApi : public ::testing::Test {
 protected:
  [[nodiscard]] fs::path folder(const std::string& name) const { return temp_.path() / name; }
  TrainResult run(const Recipe& recipe, const std::string& name, std::int64_t stop_after = 0, bool resume = false) {
    StopAfter stop(stop_after);
    TrainSettings settings;
    settings.folder = folder(name);
    settings.resume = resume;
    settings.callbacks = {&stop};
    settings.stop = stop.token();
    return train(recipe, data_, settings);
  }
  const DataSet data_ = test::tiny_data(60, 20);

 private:
  testing::TempFolder temp_;
};

Recipe recipe_of(std::vector<TypedSpec> callbacks, std::int64_t members = 1) {
  Recipe recipe;
  recipe.name = "tiny";
  recipe.data.validation = "last 10";
  recipe.layers = {test::layer("Flatten"),
                   test::layer("Dense", {{"units", std::int64_t{16}}, {"activation", std::string("relu")}}),
                   test::layer("BatchNormalization"),
                   test::layer("Dense", {{"units", std::int64_t{4}}, {"activation", std::string("softmax")}})};
  recipe.train.epochs = 4;
  recipe.train.batch_size = 8;
  recipe.train.use_ema = members > 1;
  recipe.train.ensemble = members;
  recipe.train.optimizer = {"SGD", {{"learning_rate", 0.5}, {"momentum", 0.9}}, {}};
  recipe.train.callbacks = std::move(callbacks);
  return recipe;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_F(CallbackApi, EveryKindResumesToTheSameFolder) {
  std::vector<std::vector<TypedSpec>> sets = {{}};
  for (const auto& type : training::callback_types()) {
    sets.push_back({test::sample_callback(type)});
    sets.front().push_back(sets.back().front());
  }
  int number = 0;
  for (const auto& callbacks : sets) {
    for (const std::int64_t members : {1, 2}) {
      const std::string name = "run" + std::to_string(++number);
      SCOPED_TRACE(callbacks.front().type + " of " + std::to_string(callbacks.size()) + ", members " +
                   std::to_string(members));
      const Recipe recipe = recipe_of(callbacks, members);
      const TrainResult whole = run(recipe, name);
      for (const std::int64_t epoch : {1, 2, 5}) {
        const std::string parts = name + "_" + std::to_string(epoch);
        if (run(recipe, parts, epoch).record.status == "complete") {
          continue;
        }
        const TrainResult resumed = run(recipe, parts, 0, true);
        EXPECT_EQ(resumed.record.stopped_by, whole.record.stopped_by);
        EXPECT_EQ(resumed.record.steps, whole.record.steps);
        EXPECT_EQ(resumed.record.test->loss, whole.record.test->loss);
        EXPECT_EQ(test::lasting_files(folder(parts)), test::lasting_files(folder(name)));
      }
    }
  }
}

TEST_F(CallbackApi, ModelCheckpointLeavesModels) {
  const auto result =
      run(recipe_of({{"ModelCheckpoint", {{"filepath", "best/{epoch:02d}.safetensors"}, {"save_best_only", true}}, {}},
                     {"EarlyStopping", {{"restore_best_weights", true}, {"patience", std::int64_t{9}}}, {}}}),
          "run");
  fs::path last;
  for (const auto& entry : fs::directory_iterator(folder("run") / "best")) {
    last = std::max(last, entry.path());
  }
  EXPECT_EQ(text_of(last), text_of(folder("run") / "model.safetensors")) << "the best weights";
  EXPECT_EQ(Classifier::load(last).predict(data_.test.pictures), result.classifier.predict(data_.test.pictures));
}

TEST_F(CallbackApi, WhoEndedItIsKept) {
  const auto result = run(recipe_of({{"EarlyStopping", {{"min_delta", 1.0}}, {}}}), "run");
  EXPECT_EQ(result.record.status, "complete");
  EXPECT_EQ(result.record.epochs, 2);
  EXPECT_EQ(result.record.stopped_by, "EarlyStopping: val_loss was no better for 1 epoch");
  EXPECT_NE(text_of(folder("run") / "metrics.json").find("\"stopped_by\": \"EarlyStopping: "), std::string::npos);
}

TEST_F(CallbackApi, ValidationIsMadeWhereACallbackLooksAtIt) {
  Recipe recipe = recipe_of({{"EarlyStopping"}});
  recipe.data.validation.clear();
  const auto result = run(recipe, "run");
  ASSERT_TRUE(result.record.validation);
  EXPECT_EQ(result.record.train->samples + result.record.validation->samples, 60);
  EXPECT_EQ(result.record.validation->samples, division_counts(data_, recipe).second);
  EXPECT_NE(to_text(result.record.findings)
                .find("the callback EarlyStopping looks at validation: 10% of each class is kept for it"),
            std::string::npos);
  EXPECT_NE(text_of(folder("run") / "recipe.toml").find("validation = \"stratified 10%\""), std::string::npos);
  recipe.train.callbacks.front().options["monitor"] = "loss";
  EXPECT_EQ(division_counts(data_, recipe).second, 0);
}

/// A step that makes the weights so large that the next one's loss is not a number.
Recipe exploding(std::vector<TypedSpec> callbacks, double learning_rate = 1e30) {
  Recipe recipe = recipe_of(std::move(callbacks));
  std::erase_if(recipe.layers, [](const LayerSpec& layer) { return layer.type == "BatchNormalization"; });
  recipe.train.optimizer = {"SGD", {{"learning_rate", learning_rate}}, {}};
  return recipe;
}

TEST_F(CallbackApi, AModelThatIsNotFiniteIsAFailure) {
  Recipe recipe = exploding({});
  recipe.train.epochs = 1;
  recipe.train.batch_size = 64;  // One step, whose own loss is still a number.
  const std::string problem = test::message_of([&] { return run(recipe, "run"); });
  EXPECT_TRUE(problem.starts_with("after step 1: ")) << problem;
  EXPECT_NE(problem.find("a smaller learning rate"), std::string::npos) << problem;
}

TEST_F(CallbackApi, TheLastFiniteCheckpointStays) {
  // Epochs of one step: the first leaves the weights as they are, the second one blows them up.
  Recipe recipe = exploding({}, 1e39);  // Infinite as a float.
  recipe.train.epochs = 2;
  recipe.train.batch_size = 64;
  recipe.train.schedule = {"Constant", {{"warmup_epochs", 1.0}}, {}};
  const std::string problem = test::message_of([&] { return run(recipe, "run"); });
  EXPECT_TRUE(problem.starts_with("after step 2: ")) << problem;
  EXPECT_TRUE(fs::exists(folder("run") / "checkpoints/step-000000001.safetensors"));
  EXPECT_FALSE(fs::exists(folder("run") / "checkpoints/step-000000002.safetensors"));
  EXPECT_FALSE(fs::exists(folder("run") / "model.safetensors"));
  EXPECT_NE(text_of(folder("run") / "metrics.json").find("\"failed\""), std::string::npos);
}

TEST_F(CallbackApi, WithTheBestWeightsATrainingThatExplodesIsComplete) {
  Recipe recipe = exploding(
      {{"TerminateOnNaN"}, {"EarlyStopping", {{"restore_best_weights", true}, {"patience", std::int64_t{9}}}, {}}});
  recipe.train.batch_size = 64;
  recipe.train.schedule = {"Constant", {{"warmup_epochs", 1.0}}, {}};
  const auto result = run(recipe, "run");
  EXPECT_EQ(result.record.status, "complete");
  EXPECT_TRUE(result.record.stopped_by.starts_with("TerminateOnNaN: ")) << result.record.stopped_by;
  EXPECT_TRUE(std::isfinite(result.record.test->loss));
}

}  // namespace
}  // namespace lapel
