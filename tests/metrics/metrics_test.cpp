#include "lapel/metrics.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "lapel/error.h"

namespace lapel {
namespace {

std::string message_of(const std::function<void()>& action, ErrorKind kind = ErrorKind::kUsage) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  return "no error";
}

// Golden numbers: make_numbers.py.
const ConfusionMatrix kConfusion =
    ConfusionMatrix::of_counts(4, std::vector<std::int64_t>{5, 2, 0, 1, 1, 7, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0});
const std::vector<float> kProbabilities{0.7F, 0.2F, 0.1F, 0.1F, 0.1F, 0.8F, 0.3F, 0.4F, 0.3F, 0, 1, 0, 1, 0, 0};
const std::vector<Label> kLabels{0, 2, 0, 1, 1};

void expect_score(const ClassScore& score, double precision, double recall, double f1, std::int64_t support) {
  EXPECT_DOUBLE_EQ(score.precision, precision);
  EXPECT_DOUBLE_EQ(score.recall, recall);
  EXPECT_DOUBLE_EQ(score.f1, f1);
  EXPECT_EQ(score.support, support);
}

TEST(ClassificationReport, IsScikitLearns) {
  const ClassificationReport report = classification_report(kConfusion);
  ASSERT_EQ(report.classes.size(), 4U);
  expect_score(report.classes[0], 0.8333333333333334, 0.625, 0.7142857142857143, 8);
  expect_score(report.classes[1], 0.5833333333333334, 0.875, 0.7, 8);
  expect_score(report.classes[2], 0, 0, 0, 4);
  expect_score(report.classes[3], 0, 0, 0, 0);
  EXPECT_DOUBLE_EQ(report.accuracy, 0.6);
  expect_score(report.macro_average, 0.3541666666666667, 0.375, 0.35357142857142854, 20);
  expect_score(report.weighted_average, 0.5666666666666667, 0.6, 0.5657142857142856, 20);
}

TEST(ClassificationReport, AveragesAreOverTheClassesThatOccur) {
  // Class 1 has neither pictures nor answers.
  const ClassificationReport report =
      classification_report(ConfusionMatrix::of_counts(3, std::vector<std::int64_t>{3, 0, 1, 0, 0, 0, 2, 0, 4}));
  expect_score(report.macro_average, (3.0 / 5 + 4.0 / 5) / 2, (3.0 / 4 + 4.0 / 6) / 2, (6.0 / 9 + 8.0 / 11) / 2, 10);
  EXPECT_DOUBLE_EQ(report.balanced_accuracy, (3.0 / 4 + 4.0 / 6) / 2);
  EXPECT_DOUBLE_EQ(report.largest_class_share, 0.6);
}

TEST(TopAccuracy, CountsTheMostProbable) {
  const std::vector<float> rows = {0.1F, 0.2F, 0.3F, 0.4F, 0.4F, 0.3F, 0.2F, 0.1F, 0.25F, 0.25F, 0.25F, 0.25F};
  const std::vector<Label> labels = {1, 3, 3};
  EXPECT_DOUBLE_EQ(top_accuracy(rows, labels, 4, 1), 0);
  EXPECT_DOUBLE_EQ(top_accuracy(rows, labels, 4, 3), 1.0 / 3);  // Of equal numbers the first come first.
  EXPECT_DOUBLE_EQ(top_accuracy(rows, labels, 4, 4), 1);
}

TEST(ClassificationReport, OfNothingIsZero) {
  const ClassificationReport report = classification_report(confusion_matrix({}, {}, 2));
  EXPECT_EQ(report.accuracy, 0);
  expect_score(report.macro_average, 0, 0, 0, 0);
  expect_score(report.weighted_average, 0, 0, 0, 0);
}

TEST(CrossEntropy, IsTheMeanOfTheClippedLogarithms) {
  EXPECT_DOUBLE_EQ(cross_entropy(std::span(kProbabilities).first(9), std::span(kLabels).first(3), 3),
                   0.5945970873237288);
  EXPECT_DOUBLE_EQ(cross_entropy(kProbabilities, kLabels, 3), 3.5803774025859028);
}

TEST(CrossEntropy, OfNotANumberIsNotANumber) {
  const std::vector<float> numbers{std::numeric_limits<float>::quiet_NaN(), 0.5F};
  EXPECT_TRUE(std::isnan(cross_entropy(numbers, std::vector<Label>{0}, 2)));
}

TEST(PredictedLabels, TakesTheFirstOfEqualProbabilities) {
  const std::vector<float> numbers{0.2F, 0.4F, 0.4F, 0.5F, 0.0F, 0.5F, 0, 0, 1};
  EXPECT_EQ(predicted_labels(numbers, 3), (std::vector<Label>{1, 0, 2}));
  EXPECT_TRUE(predicted_labels({}, 3).empty());
}

TEST(ConfusionMatrix, HasActualClassesDown) {
  const ConfusionMatrix matrix = confusion_matrix(std::vector<Label>{0, 0, 1, 2}, std::vector<Label>{0, 1, 1, 0}, 3);
  EXPECT_EQ(matrix.counts(), (std::vector<std::int64_t>{1, 1, 0, 0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(matrix.at(0, 1), 1);
  EXPECT_EQ(matrix.at(1, 0), 0);
}

TEST(ConfusionMatrix, OfManyClassesHoldsWhatOccurs) {
  std::vector<Label> actual;
  std::vector<Label> predicted;
  for (std::size_t i = 0; i < 1000; ++i) {
    actual.push_back(static_cast<Label>(i * 60 + 5535));
    predicted.push_back(static_cast<Label>(i % 2 == 0 ? i * 60 + 5535 : 0));
  }
  const ConfusionMatrix matrix = confusion_matrix(actual, predicted, 65536);
  EXPECT_EQ(matrix.cells.size(), 1000U);
  EXPECT_EQ(matrix.at(5535, 5535), 1);
  EXPECT_EQ(matrix.at(5595, 0), 1);
  EXPECT_EQ(matrix.at(65535, 65535), 0);
  const ClassificationReport report = classification_report(matrix);
  EXPECT_EQ(report.classes.size(), 65536U);
  EXPECT_EQ(report.accuracy, 0.5);
  EXPECT_EQ(report.classes[0].answers, 500);
}

TEST(Evaluator, AddsPartsUpToTheSame) {
  const Evaluation whole = evaluate_predictions("test", {"a", "b", "c"}, kProbabilities, kLabels);
  Evaluator evaluator("test", {"a", "b", "c"});
  evaluator.add(std::span(kProbabilities).first(6), std::span(kLabels).first(2));
  evaluator.add(std::span(kProbabilities).subspan(6), std::span(kLabels).subspan(2));
  const Evaluation parts = std::move(evaluator).evaluation();
  EXPECT_EQ(parts.score.loss, whole.score.loss);
  EXPECT_EQ(parts.top_3_accuracy, whole.top_3_accuracy);
  EXPECT_EQ(parts.confusion.cells, whole.confusion.cells);
  EXPECT_THROW((void)Evaluator("test", {"a"}).evaluation(), Error);
}

TEST(EvaluatePredictions, PutsAllTogether) {
  const Evaluation evaluation = evaluate_predictions("test", {"a", "b", "c"}, kProbabilities, kLabels);
  EXPECT_EQ(evaluation.split, "test");
  EXPECT_EQ(evaluation.class_names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(evaluation.score.samples, 5);
  EXPECT_DOUBLE_EQ(evaluation.score.accuracy, 0.6);
  EXPECT_DOUBLE_EQ(evaluation.score.loss, 3.5803774025859028);
  EXPECT_EQ(evaluation.confusion.counts(), (std::vector<std::int64_t>{1, 1, 0, 1, 1, 0, 0, 0, 1}));
  EXPECT_DOUBLE_EQ(evaluation.report.accuracy, 0.6);
}

TEST(MetricErrors, NameTheNumbers) {
  const std::vector<float> four(4, 0.25F);
  const std::vector<Label> one{0};
  EXPECT_EQ(message_of([&] { (void)predicted_labels(four, 3); }),
            "predicted_labels: the probabilities are no whole number of rows\n"
            "  probabilities  4        classes  3        try  one probability for each class and picture");
  EXPECT_EQ(message_of([&] { (void)predicted_labels(four, 0); }),
            "predicted_labels: 0 classes are not possible\n  allowed  1 to 65536");
  EXPECT_EQ(message_of([&] { (void)cross_entropy({}, {}, 3); }),
            "cross_entropy: there are no rows to take the mean of");
  EXPECT_EQ(message_of([&] { (void)cross_entropy(four, one, 2); }),
            "cross_entropy: rows of probabilities and labels differ in number\n  rows  2        labels  1");
  EXPECT_EQ(message_of([&] {
              (void)cross_entropy(four, std::vector<Label>{1, 2}, 2);
            }),
            "cross_entropy: actual label 2 is beyond the 2 classes\n  at  index 1        allowed  0 to 1");
  EXPECT_EQ(message_of([&] { (void)confusion_matrix(one, {}, 2); }),
            "confusion_matrix: actual and predicted labels differ in number\n  actual  1        predicted  0");
  EXPECT_EQ(message_of([&] { (void)confusion_matrix(one, std::vector<Label>{7}, 2); }),
            "confusion_matrix: predicted label 7 is beyond the 2 classes\n  at  index 0        allowed  0 to 1");
}

std::vector<Label> labels_below(std::int64_t classes, std::size_t count) {
  return *rc::gen::container<std::vector<Label>>(count, rc::gen::inRange<Label>(0, static_cast<Label>(classes)));
}

TEST(MetricProperties, HoldForAnyLabels) {
  EXPECT_TRUE(rc::check([] {
    const auto classes = *rc::gen::inRange<std::int64_t>(1, 12);
    const auto count = *rc::gen::inRange<std::size_t>(1, 200);
    const std::vector<Label> actual = labels_below(classes, count);
    const std::vector<Label> predicted = labels_below(classes, count);
    const ConfusionMatrix matrix = confusion_matrix(actual, predicted, classes);
    const ClassificationReport report = classification_report(matrix);

    std::int64_t trace = 0;
    for (std::int64_t i = 0; i < classes; ++i) {
      trace += matrix.at(i, i);
    }
    const std::vector<std::int64_t> counts = matrix.counts();
    const auto total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    RC_ASSERT(total == static_cast<std::int64_t>(count));
    RC_ASSERT(report.accuracy == static_cast<double>(trace) / static_cast<double>(total));
    RC_ASSERT(std::abs(report.weighted_average.recall - report.accuracy) < 1e-12);
    RC_ASSERT(report.macro_average.support == total);
    for (const ClassScore& score : report.classes) {
      const double sum = score.precision + score.recall;
      const double harmonic = sum > 0 ? 2 * score.precision * score.recall / sum : 0;
      RC_ASSERT(std::abs(score.f1 - harmonic) < 1e-12);
    }
  }));
}

TEST(MetricProperties, ExchangingActualAndPredictedExchangesPrecisionAndRecall) {
  EXPECT_TRUE(rc::check([] {
    const auto count = *rc::gen::inRange<std::size_t>(0, 100);
    const std::vector<Label> a = labels_below(5, count);
    const std::vector<Label> b = labels_below(5, count);
    const ClassificationReport one = classification_report(confusion_matrix(a, b, 5));
    const ClassificationReport other = classification_report(confusion_matrix(b, a, 5));
    for (std::size_t i = 0; i < 5; ++i) {
      RC_ASSERT(one.classes[i].precision == other.classes[i].recall);
      RC_ASSERT(one.classes[i].f1 == other.classes[i].f1);
    }
  }));
}

}  // namespace
}  // namespace lapel
