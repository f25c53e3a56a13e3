#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/cpu.h"
#include "lapel/classifier.h"
#include "lapel/train.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

/// A training in one precision, held to whatever LAPEL_ISA says (ctest runs these once for each value).
class AnswersBeforeAndAfterSaving : public ::testing::TestWithParam<std::string> {
 private:
  const testing::TempFolder temp_;

 protected:
  AnswersBeforeAndAfterSaving() {
    recipe_.data.validation = "last 10";
    recipe_.layers = test::residual_layers(4);
    recipe_.train.epochs = 2;
    recipe_.train.batch_size = 8;
    recipe_.train.precision = GetParam();
    recipe_.train.optimizer = {"Adam", {{"learning_rate", 0.01}}, {}};
    settings_.folder = temp_.path() / "run";
  }

  Recipe recipe_;
  TrainSettings settings_;
  const DataSet data_ = test::tiny_data(60, 20);
};

TEST_P(AnswersBeforeAndAfterSaving, AreTheSameToTheBit) {
  const auto result = train(recipe_, data_, settings_);
  const auto loaded = Classifier::load(settings_.folder);
  EXPECT_EQ(loaded.precision(), result.classifier.precision());
  EXPECT_EQ(loaded.predict(data_.test.pictures), result.classifier.predict(data_.test.pictures));
  const auto again = loaded.evaluate(data_.test, "test");
  EXPECT_EQ(again.score.loss, result.record.test->loss);
  EXPECT_EQ(again.score.loss, result.test->score.loss);
}

TEST_P(AnswersBeforeAndAfterSaving, AreInBfloat16OnlyWhereTheCpuHasItsProducts) {
  const auto result = train(recipe_, data_, settings_);
  const bool low = GetParam() != "float32" && kernels::cpu().fast_bfloat16;
  EXPECT_EQ(result.classifier.precision(), low ? "bfloat16" : "float32");
}

INSTANTIATE_TEST_SUITE_P(Precisions, AnswersBeforeAndAfterSaving, ::testing::Values("float32", "bfloat16", "auto"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace lapel
