#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <numeric>
#include <sstream>
#include <stop_token>

#include "lapel/train.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEpochs = 3;

class EnsembleApi : public ::testing::Test {
 protected:
  [[nodiscard]] TrainSettings settings(const char* name) const {
    TrainSettings result;
    result.folder = temp_.path() / name;
    return result;
  }
  const DataSet data_ = test::tiny_data(60, 20);

 private:
  testing::TempFolder temp_;
};

Recipe recipe_of(std::int64_t members, std::int64_t seed = 1) {
  Recipe recipe;
  recipe.name = "tiny";
  recipe.data.validation = "last 10";
  recipe.layers = {test::layer("RandomFlip", {{"mode", std::string("horizontal")}}), test::layer("Flatten"),
                   test::layer("Dense", {{"units", std::int64_t{16}}, {"activation", std::string("relu")}}),
                   test::layer("BatchNormalization"),
                   test::layer("Dense", {{"units", std::int64_t{4}}, {"activation", std::string("softmax")}})};
  recipe.train.epochs = kEpochs;
  recipe.train.batch_size = 8;
  recipe.train.seed = seed;
  recipe.train.ensemble = members;
  return recipe;
}

/// Stops after an epoch of a member.
class StopAfter : public Callback {
 public:
  StopAfter(std::int64_t member, std::int64_t epoch) : member_(member), epoch_(epoch) {}
  void on_epoch(Training& training) override {
    if (training.progress().member == member_ && training.history().back().epoch == epoch_) {
      source_.request_stop();
    }
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::int64_t member_;
  std::int64_t epoch_;
  std::stop_source source_;
};

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Members have the seeds s, s + 2^32, s + 2 * 2^32, ...
constexpr std::int64_t kBetweenSeeds = std::int64_t{1} << 32;

TEST_F(EnsembleApi, AnswersAreTheMeansOfItsMembersLogits) {
  const auto result = train(recipe_of(3), data_);
  const auto& pictures = data_.test.pictures;
  std::vector<double> logits(static_cast<std::size_t>(pictures.count) * 4);
  std::int64_t parameters = 0;
  for (std::int64_t member = 0; member < 3; ++member) {
    const auto alone = train(recipe_of(1, 1 + member * kBetweenSeeds), data_);
    const auto answers = alone.classifier.predict(pictures);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      logits[i] += std::log(static_cast<double>(answers[i])) / 3;
    }
    parameters += alone.record.parameters;
    EXPECT_EQ(result.history.at(static_cast<std::size_t>(member * kEpochs)).loss, alone.history.front().loss);
  }
  const auto answers = result.classifier.predict(pictures);
  for (std::size_t row = 0; row < logits.size(); row += 4) {
    const double sum = std::accumulate(logits.begin() + static_cast<std::ptrdiff_t>(row),
                                       logits.begin() + static_cast<std::ptrdiff_t>(row) + 4, 0.0,
                                       [](double all, double one) { return all + std::exp(one); });
    for (std::size_t i = row; i < row + 4; ++i) {
      EXPECT_NEAR(answers[i], std::exp(logits[i]) / sum, 1e-5);
    }
  }
  EXPECT_EQ(result.record.parameters, parameters);
  EXPECT_EQ(result.record.steps, 3 * kEpochs * 7);
  EXPECT_EQ(result.record.epochs, 3 * kEpochs);
  EXPECT_EQ(result.history.back().epoch, 3 * kEpochs);
}

/// A training with one option or another beside the ensemble.
struct Beside {
  const char* name;
  std::function<void(Recipe&)> apply;
};

class EnsembleWith : public EnsembleApi, public ::testing::WithParamInterface<Beside> {};

TEST_P(EnsembleWith, GoesOnWithinALaterMember) {
  Recipe recipe = recipe_of(3);
  GetParam().apply(recipe);
  const auto whole = train(recipe, data_, settings("whole"));
  StopAfter stop(2, 2);
  TrainSettings first = settings("parts");
  first.callbacks = {&stop};
  first.stop = stop.token();
  EXPECT_EQ(train(recipe, data_, first).record.status, "interrupted");
  TrainSettings second = settings("parts");
  second.resume = true;
  const auto result = train(recipe, data_, second);
  EXPECT_EQ(result.record.status, "complete");
  EXPECT_EQ(result.record.steps, 3 * kEpochs * 7);
  EXPECT_EQ(result.record.training_flop, whole.record.training_flop);
  ASSERT_EQ(result.history.size(), 3U * kEpochs);
  for (std::size_t i = 0; i < result.history.size(); ++i) {
    EXPECT_EQ(result.history[i].epoch, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(result.history[i].loss, whole.history[i].loss);
  }
  EXPECT_EQ(text_of(second.folder / "model.safetensors"), text_of(settings("whole").folder / "model.safetensors"));
  EXPECT_EQ(Classifier::load(second.folder).predict(data_.test.pictures),
            whole.classifier.predict(data_.test.pictures));
}

INSTANTIATE_TEST_SUITE_P(
    Options, EnsembleWith,
    ::testing::Values(Beside{"nothing", [](Recipe&) {}},
                      Beside{"muon",
                             [](Recipe& r) {
                               r.train.optimizer = {"Muon", {}, {}};
                             }},
                      Beside{"mean", [](Recipe& r) { r.train.use_ema = true; }},
                      Beside{"lookahead", [](Recipe& r) { r.train.lookahead_sync_period = 2; }},
                      Beside{"schedule",
                             [](Recipe& r) {
                               r.train.schedule = {"OneCycle", {}, {}};
                             }},
                      Beside{"bfloat16", [](Recipe& r) { r.train.precision = "bfloat16"; }},
                      Beside{"views", [](Recipe& r) { r.train.test_time_augmentation = "flip+shift"; }},
                      Beside{"groups",
                             [](Recipe& r) {
                               r.train.groups = {{"*/bias", 4, 0, true}};
                             }},
                      Beside{"residual", [](Recipe& r) { r.layers = test::residual_layers(4); }},
                      Beside{"mixing",
                             [](Recipe& r) {
                               r.layers.insert(r.layers.begin(),
                                               {test::layer("CutMix"), test::layer("MixUp"),
                                                test::layer("RandomErasing"), test::layer("Dropout", {{"rate", 0.1}})});
                             }}),
    [](const auto& test) { return test.param.name; });

TEST_F(EnsembleApi, InterruptedItIsOfTheMembersThatAreFinished) {
  StopAfter stop(2, 1);
  TrainSettings stopped = settings("run");
  stopped.callbacks = {&stop};
  stopped.stop = stop.token();
  const auto result = train(recipe_of(3), data_, stopped);
  const auto alone = train(recipe_of(1), data_);
  EXPECT_EQ(result.record.status, "interrupted");
  EXPECT_EQ(result.record.parameters, alone.record.parameters);
  EXPECT_EQ(result.classifier.predict(data_.test.pictures), alone.classifier.predict(data_.test.pictures));
  EXPECT_EQ(result.history.size(), kEpochs + 1U);
}

TEST_F(EnsembleApi, SharesATimeBudget) {
  Recipe recipe = recipe_of(2);
  recipe.train.time_budget = "3s";
  const auto result = train(recipe, data_, settings("run"));
  EXPECT_EQ(result.record.status, "complete");
  EXPECT_EQ(result.record.parameters, 2 * train(recipe_of(1), data_).record.parameters);
  EXPECT_EQ(result.record.epochs, static_cast<std::int64_t>(result.history.size()));
  EXPECT_GE(result.record.epochs, 2);
}

}  // namespace
}  // namespace lapel
