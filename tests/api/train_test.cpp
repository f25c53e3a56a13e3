#include "lapel/train.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "lapel/error.h"
#include "lapel/report.h"
#include "lapel/summary.h"
#include "support/messages.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

namespace fs = std::filesystem;

class TrainApi : public ::testing::Test {
 private:
  const testing::TempFolder temp_;

 protected:
  const fs::path& root_ = temp_.path();
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
  return recipe;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Notes which plots there are after the first epoch.
class SeesPlots : public Callback {
 public:
  explicit SeesPlots(fs::path plots) : plots_(std::move(plots)) {}
  void on_epoch(Training& training) override {
    if (training.history().back().epoch == 1) {
      seen_ = names_in(plots_);
    }
  }
  [[nodiscard]] const std::vector<std::string>& seen() const { return seen_; }

 private:
  fs::path plots_;
  std::vector<std::string> seen_;
};

TEST_F(TrainApi, DrawsTheDataBeforeTheTrainingAndTheResultsAfterIt) {
  TrainSettings settings;
  settings.folder = root_ / "run";
  settings.plots = PlotFormat::kSvg;
  SeesPlots observer(settings.folder / "plots");
  settings.callbacks = {&observer};
  Recipe recipe = tiny_recipe();
  recipe.train.optimizer = {"SGD", {{"learning_rate", 1e-9}}, {}};  // It learns nothing, and so makes mistakes to show.
  const auto result = train(recipe, test::tiny_data(60, 20), settings);
  if (result.plot_problem.find("apt-get install gnuplot-nox") != std::string::npos) {
    GTEST_SKIP() << "gnuplot is not installed";
  }
  EXPECT_EQ(result.plot_problem, "");
  EXPECT_EQ(observer.seen(), (std::vector<std::string>{"class_counts.svg", "samples_test.svg", "samples_train.svg"}));
  EXPECT_EQ(names_in(settings.folder / "plots"),
            (std::vector<std::string>{"accuracy.svg", "class_counts.svg", "confusion.svg", "data.json", "loss.svg",
                                      "mistakes.svg", "predictions.svg", "samples_test.svg", "samples_train.svg"}));
}

TEST_F(TrainApi, WritesARunFolderThatIsEnoughToGoOn) {
  const auto data = test::tiny_data(60, 20);
  TrainSettings settings;
  settings.folder = root_ / "run";
  const auto result = train(tiny_recipe(), data, settings);

  EXPECT_EQ(names_in(settings.folder),
            (std::vector<std::string>{"confusion.csv", "history.csv", "metrics.json", "model.safetensors", "plots",
                                      "recipe.toml", "report.txt"}));

  const auto classifier = Classifier::load(settings.folder);
  EXPECT_EQ(classifier.class_names(), data.class_names);
  const auto evaluation = classifier.evaluate(data.test, "test");
  EXPECT_EQ(evaluation.score.accuracy, result.record.test->accuracy);
  EXPECT_EQ(evaluation.score.loss, result.record.test->loss);
  EXPECT_EQ(result.record.train->samples, 50);
  EXPECT_EQ(result.record.validation->samples, 10);
  EXPECT_EQ(result.record.steps, 4 * 7);
  EXPECT_EQ(result.record.parameters, 48 * 16 + 16 + 16 * 4 + 4);
  Recipe recipe = tiny_recipe();
  recipe.data.source = data.location.string();
  EXPECT_EQ(write_recipe(read_recipe(settings.folder / "recipe.toml")), write_recipe(recipe));
  EXPECT_EQ(classifier.data_spec().source, data.location.string());
  EXPECT_EQ(result.classifier.data_spec().source, data.location.string());
  EXPECT_EQ(Classifier::load(settings.folder / "model.safetensors").data_spec().source, "");
}

TEST_F(TrainApi, BeginsWithGivenWeightsAndTracesEveryStep) {
  const auto data = test::tiny_data(60, 20);
  TrainSettings first;
  first.folder = root_ / "first";
  first.loss_csv = root_ / "first.csv";
  static_cast<void>(train(tiny_recipe(), data, first));
  std::istringstream trace(text_of(first.loss_csv));
  std::string line;
  std::getline(trace, line);
  EXPECT_EQ(line, "step,loss");
  for (int step = 1; step <= 4 * 7; ++step) {
    std::getline(trace, line);
    EXPECT_EQ(line.substr(0, line.find(',')), std::to_string(step));
    EXPECT_GT(std::stod(line.substr(line.find(',') + 1)), 0);
  }
  EXPECT_FALSE(std::getline(trace, line));

  TrainSettings second;
  second.folder = root_ / "second";
  second.init = root_ / "first" / "model.safetensors";
  Recipe still = tiny_recipe();
  still.train.optimizer = {"SGD", {{"learning_rate", 0.0}}, {}};
  EXPECT_EQ(train(still, data, second).record.test->loss,
            Classifier::load(second.init).evaluate(data.test, "").score.loss);
}

TEST_F(TrainApi, InitialWeightsAreThoseOfTheModel) {
  const auto data = test::tiny_data(60, 20);
  TrainSettings settings;
  settings.folder = root_ / "first";
  static_cast<void>(train(tiny_recipe(), data, settings));
  settings.init = settings.folder / "model.safetensors";
  settings.folder = root_ / "second";
  const std::string hint = "        try  the weights of this model, under Keras's names, as `dense/kernel`";
  const auto refusal = [&](const Recipe& recipe) {
    return test::message_of([&] { return train(recipe, data, settings); });
  };
  Recipe other = tiny_recipe();
  other.layers[1].options["units"] = std::int64_t{17};
  EXPECT_EQ(refusal(other), settings.init.string() + ": tensor 'dense/kernel' has another shape than the model\n" +
                                "  file  [48, 16]        model  [48, 17]" + hint);
  other = tiny_recipe();
  other.layers[1].name = "hidden";
  EXPECT_EQ(refusal(other), settings.init.string() + ": tensor 'hidden/kernel' is missing\n  model  [48, 16]        " +
                                "only in the file  'dense_1/bias' [4], 'dense_1/kernel' [16, 4]" + hint);
  other = tiny_recipe();
  other.layers[1].options["use_bias"] = false;
  EXPECT_EQ(refusal(other),
            settings.init.string() + ": tensor 'dense/bias' belongs to no layer of the model\n  file  [16]" + hint);
  EXPECT_FALSE(fs::exists(settings.folder));
}

TEST_F(TrainApi, TheRecipeTakesTheNumberOfClassesFromTheData) {
  Recipe recipe = tiny_recipe();
  recipe.layers.back().options["units"] = std::int64_t{0};
  TrainSettings settings;
  settings.folder = root_ / "three";
  const auto data = test::tiny_data(60, 20, 3);
  EXPECT_EQ(train(recipe, data, settings).test->confusion.classes, 3);
  EXPECT_EQ(read_recipe(settings.folder / "recipe.toml").layers.back().options["units"], OptionValue{std::int64_t{3}});
  EXPECT_EQ(summarize(recipe, data).trainable, 48 * 16 + 16 + 16 * 3 + 3);
}

TEST_F(TrainApi, TheSameSeedGivesTheSameModelFile) {
  const auto data = test::tiny_data(60, 20);
  TrainSettings settings;
  settings.folder = root_ / "a";
  (void)train(tiny_recipe(), data, settings);
  settings.folder = root_ / "b";
  (void)train(tiny_recipe(), data, settings);
  EXPECT_EQ(text_of(root_ / "a/model.safetensors"), text_of(root_ / "b/model.safetensors"));
  auto other = tiny_recipe();
  other.train.seed = 2;
  settings.folder = root_ / "c";
  (void)train(other, data, settings);
  EXPECT_NE(text_of(root_ / "a/model.safetensors"), text_of(root_ / "c/model.safetensors"));
}

TEST_F(TrainApi, WritesNothingWithoutAFolder) {
  const auto result = train(tiny_recipe(), test::tiny_data(60, 0));
  EXPECT_FALSE(result.test.has_value());
  EXPECT_FALSE(result.record.test.has_value());
  EXPECT_EQ(result.history.size(), 4U);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(TrainApi, RefusesAModelThatDoesNotFitTheClasses) {
  TrainSettings settings;
  settings.folder = root_ / "run";
  try {
    (void)train(tiny_recipe(), test::tiny_data(60, 20, 5), settings);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "layer 'dense_1' (Dense): the model gives 4 numbers, the data set has 5 classes\n"
        "  data  /tiny        train[8]  label 4        try  units = 5 in the last layer, or 0: as many as there are "
        "classes");
  }
  EXPECT_FALSE(fs::exists(settings.folder));
}

TEST_F(TrainApi, AFailureBeforeTheFirstEpochLeavesNothing) {
  auto recipe = tiny_recipe();
  recipe.train.optimizer = {"SGD", {{"learning_rate", 1e30}}, {}};
  TrainSettings settings;
  settings.folder = root_ / "run";
  EXPECT_THROW((void)train(recipe, test::tiny_data(60, 20), settings), Error);
  EXPECT_FALSE(fs::exists(settings.folder));
}

/// Asks for an end after some steps.
class StopAtStep : public Callback {
 public:
  explicit StopAtStep(std::int64_t steps) : left_(steps) {}
  void on_step(Training& /*training*/) override {
    if (--left_ == 0) {
      source_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::int64_t left_;
  std::stop_source source_;
};

/// Of random weights nothing is saved.
TEST_F(TrainApi, AnInterruptionBeforeTheFirstStepLeavesNothing) {
  std::stop_source source;
  source.request_stop();
  TrainSettings settings;
  settings.folder = root_ / "run";
  settings.stop = source.get_token();
  try {
    (void)train(tiny_recipe(), test::tiny_data(60, 20), settings);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
    EXPECT_STREQ(error.what(), "interrupted before the first step");
  }
  EXPECT_FALSE(fs::exists(settings.folder));
}

TEST_F(TrainApi, AnInterruptedRunIsUsable) {
  StopAtStep stop(1);
  TrainSettings settings;
  settings.folder = root_ / "run";
  settings.callbacks = {&stop};
  settings.stop = stop.token();
  const auto result = train(tiny_recipe(), test::tiny_data(60, 20), settings);
  EXPECT_EQ(result.record.status, "interrupted");
  EXPECT_EQ(result.record.epochs, 0);
  EXPECT_EQ(result.record.steps, 1);
  EXPECT_NE(text_of(settings.folder / "metrics.json").find("\"interrupted\""), std::string::npos);
  EXPECT_NO_THROW((void)Classifier::load(settings.folder));
}

TEST_F(TrainApi, PicturesOfAnotherSizeAreRefused) {
  const auto result = train(tiny_recipe(), test::tiny_data(60, 20));
  try {
    (void)result.classifier.predict(test::tiny_pictures(1, 8, 8, 1, 4).pictures);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "the pictures are of another size than the model takes\n"
                 "  pictures  8 x 8 x 1        model  8 x 6 x 1        try  pictures of that height, width and number "
                 "of channels");
  }
}

/// What a model answers in unasked is in precision_test.cpp.
TEST_F(TrainApi, AModelAnswersInThePrecisionAskedFor) {
  auto recipe = tiny_recipe();
  recipe.train.precision = "bfloat16";
  const auto data = test::tiny_data(60, 20);
  TrainSettings settings;
  settings.folder = root_ / "run";
  auto result = train(recipe, data, settings);
  result.classifier.use_precision("bfloat16");
  auto loaded = Classifier::load(root_ / "run");
  loaded.use_precision("bfloat16");
  const auto low = loaded.predict(data.test.pictures);
  EXPECT_EQ(low, result.classifier.predict(data.test.pictures));
  loaded.use_precision("float32");
  EXPECT_EQ(loaded.precision(), "float32");
  const auto full = loaded.predict(data.test.pictures);
  EXPECT_NE(full, low);
  for (std::size_t i = 0; i < full.size(); ++i) {
    EXPECT_NEAR(full[i], low[i], 0.02);
  }
  loaded.use_precision("auto");
  const auto as_trained = loaded.predict(data.test.pictures);
  EXPECT_EQ(as_trained, loaded.precision() == "bfloat16" ? low : full);
  EXPECT_EQ(test::message_of([&] { loaded.use_precision("int4"); }),
            "unknown precision \"int4\"\n  known  float32, bfloat16, auto");
}

TEST_F(TrainApi, RanksTheMostProbableFirst) {
  const auto result = train(tiny_recipe(), test::tiny_data(60, 20));
  const std::vector<float> row = {0.1F, 0.4F, 0.2F, 0.3F};
  const auto ranked = result.classifier.ranked(row, 2);
  ASSERT_EQ(ranked.size(), 2U);
  EXPECT_EQ(ranked[0].name, "class 1");
  EXPECT_EQ(ranked[1].label, 3);
}

TEST_F(TrainApi, ANewRunFolderIsTheFirstThatIsFree) {
  EXPECT_EQ(new_run_folder(root_ / "runs", "x"), root_ / "runs" / "x");
  EXPECT_EQ(new_run_folder(root_ / "runs", "x"), root_ / "runs" / "x-2");
  EXPECT_TRUE(fs::is_empty(root_ / "runs" / "x-2"));
}

TEST_F(TrainApi, MirroringIsLeftOutWhereThereIsNoTimeToMeasureIt) {
  const DataSet data = test::tiny_data(200, 20);
  const MirrorDecision in_time = decide_mirroring(data, 1);
  const MirrorDecision again = decide_mirroring(data, 1, {}, 1e6);
  EXPECT_EQ(again.mirror, in_time.mirror);
  EXPECT_EQ(again.accuracy_without, in_time.accuracy_without);
  const MirrorDecision too_late = decide_mirroring(data, 1, {}, 1e-9);
  EXPECT_FALSE(too_late.mirror);
  EXPECT_NE(too_late.reason.find("pictures are not mirrored"), std::string::npos) << too_late.reason;
}

}  // namespace
}  // namespace lapel
