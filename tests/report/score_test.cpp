#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lapel/metrics.h"
#include "lapel/report.h"
#include "report/golden.h"

namespace lapel {
namespace {

using testing::golden;

const std::vector<std::string> kFashion{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                        "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// The matrix of golden/make_golden.py.
ConfusionMatrix fashion_confusion() {
  std::vector<std::int64_t> counts;
  for (std::int64_t i = 0; i < 10; ++i) {
    for (std::int64_t j = 0; j < 10; ++j) {
      counts.push_back(i == j ? 850 + 3 * i : (i * j + 2 * j) % 23);
    }
  }
  return ConfusionMatrix::of_counts(10, counts);
}

TEST(ClassificationReportText, IsScikitLearns) {
  EXPECT_EQ(to_text(classification_report(fashion_confusion()), kFashion), golden("report_fashion.txt"));
}

TEST(ClassificationReportText, WithLongNamesAndEmptyClassesIsScikitLearns) {
  const auto matrix =
      ConfusionMatrix::of_counts(4, std::vector<std::int64_t>{3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0});
  const std::vector<std::string> names{"a", "only answered", "never seen in either", "größe"};
  EXPECT_EQ(to_text(classification_report(matrix), names),
            golden("report_zero.txt") + "\nNo picture, and no answer, is of: never seen in either\n");
}

TEST(ClassificationReportText, RoundsAveragesAsScikitLearnDoes) {
  constexpr std::string_view kDigits =
      "2000022211012200222202221002012100002011212111202111022120220002110002110120001220220012212120112210";
  std::vector<std::int64_t> counts;
  for (const char digit : kDigits) {
    counts.push_back(digit - '0');
  }
  EXPECT_EQ(to_text(classification_report(ConfusionMatrix::of_counts(10, counts)), kFashion), golden("report_tie.txt"));
}

TEST(ConfusionText, HasActualClassesDown) {
  const auto matrix = ConfusionMatrix::of_counts(3, std::vector<std::int64_t>{10, 2, 0, 0, 1234, 1, 3, 0, 7});
  EXPECT_EQ(to_text(matrix, std::vector<std::string>{"Bag", "Ankle boot"}),
            "+--------------+-----+------+-----+\n"
            "| actual       |   0 |    1 |   2 |\n"
            "+==============+=====+======+=====+\n"
            "| 0 Bag        |  10 |    2 |   0 |\n"
            "+--------------+-----+------+-----+\n"
            "| 1 Ankle boot |   0 | 1234 |   1 |\n"
            "+--------------+-----+------+-----+\n"
            "| class 2      |   3 |    0 |   7 |\n"
            "+--------------+-----+------+-----+\n");
}

TEST(EvaluationText, ShowsScoreReportAndConfusion) {
  const Evaluation evaluation =
      evaluate_predictions("test", {"Bag", "Coat"}, std::vector<float>{0.75F, 0.25F, 1, 0}, std::vector<Label>{0, 1});
  EXPECT_EQ(to_text(evaluation),
            "test: 2 pictures - accuracy: 0.5000 - loss: 8.2029\n"
            "balanced accuracy: 0.5000\n"
            "warning: the largest class alone explains this accuracy: it has 50.00% of the pictures\n"
            "\n"
            "              precision    recall  f1-score   support\n"
            "\n"
            "         Bag       0.50      1.00      0.67         1\n"
            "        Coat       0.00      0.00      0.00         1\n"
            "\n"
            "    accuracy                           0.50         2\n"
            "   macro avg       0.25      0.50      0.33         2\n"
            "weighted avg       0.25      0.50      0.33         2\n"
            "\n"
            "Confusion matrix: actual classes down, predicted across\n"
            "+----------+-----+-----+\n"
            "| actual   |   0 |   1 |\n"
            "+==========+=====+=====+\n"
            "| 0 Bag    |   1 |   0 |\n"
            "+----------+-----+-----+\n"
            "| 1 Coat   |   1 |   0 |\n"
            "+----------+-----+-----+\n");
}

TEST(EvaluationText, OfMoreThanThreeClassesHasTheTopThree) {
  // Right, second, last; right: three of four among the first three.
  const std::vector<float> rows{0.7F, 0.1F, 0.1F, 0.1F, 0.3F, 0.7F, 0, 0, 0.1F, 0.2F, 0.3F, 0.4F, 0, 0, 0, 1};
  const Evaluation evaluation =
      evaluate_predictions("test", {"a", "b", "c", "d"}, rows, std::vector<Label>{0, 0, 0, 3});
  const std::string text = to_text(evaluation);
  EXPECT_EQ(text.substr(text.find('\n') + 1, text.find("\n\n") - text.find('\n') - 1),
            "balanced accuracy: 0.6667 - top-3 accuracy: 0.7500\n"
            "warning: the largest class alone explains this accuracy: it has 75.00% of the pictures");
  const Evaluation better = evaluate_predictions("test", {"a", "b", "c", "d"}, rows, std::vector<Label>{0, 1, 0, 3});
  EXPECT_EQ(to_text(better).find("warning"), std::string::npos) << "0.75 of the pictures, and half are of one class";
}

TEST(EvaluationText, OfManyClassesSumsUp) {
  Evaluation evaluation;
  evaluation.split = "test";
  std::vector<Label> actual;
  std::vector<Label> predicted;
  for (Label i = 0; i < 5000; ++i) {
    evaluation.class_names.push_back("class " + std::to_string(i));
    actual.push_back(i);
    predicted.push_back(i < 30 ? 4999 : i);
  }
  evaluation.confusion = confusion_matrix(actual, predicted, 5000);
  evaluation.report = classification_report(evaluation.confusion);
  const std::string text = to_text(evaluation);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 60);
  EXPECT_NE(text.find("The 20 of 5,000 classes with the lowest f1-score\n"), std::string::npos);
  EXPECT_NE(text.find("\n     class 0       0.00      0.00      0.00         1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("     1  class 19 taken for class 4999\n"), std::string::npos) << text;
  EXPECT_EQ(to_csv(evaluation.confusion, evaluation.class_names).substr(0, 50),
            "actual,predicted,count\nclass 0,class 4999,1\nclass ");
  const std::string json = to_json(evaluation);
  EXPECT_NE(json.find("\"confusion_matrix\": null"), std::string::npos);
  EXPECT_LT(json.size(), 2'000'000U);
}

}  // namespace
}  // namespace lapel
