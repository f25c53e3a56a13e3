#include "lapel/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>

#include "lapel/error.h"

namespace lapel {

namespace {

/// Keras's `backend.epsilon()`.
constexpr double kProbabilityFloor = 1e-7;
constexpr std::int64_t kMaxClasses = std::int64_t{std::numeric_limits<Label>::max()} + 1;

void check_classes(std::string_view function, std::int64_t classes) {
  if (classes < 1 || classes > kMaxClasses) {
    throw Error(ErrorKind::kUsage, std::string(function), fmt::format("{} classes are not possible", classes),
                {{"allowed", fmt::format("1 to {}", kMaxClasses)}});
  }
}

/// The number of rows of `probabilities`. Throws where they are no whole number of rows.
std::size_t row_count(std::string_view function, std::span<const float> probabilities, std::int64_t classes) {
  check_classes(function, classes);
  const auto width = static_cast<std::size_t>(classes);
  if (probabilities.size() % width != 0) {
    throw Error(ErrorKind::kUsage, std::string(function), "the probabilities are no whole number of rows",
                {{"probabilities", fmt::format("{}", probabilities.size())}, {"classes", fmt::format("{}", classes)}},
                "one probability for each class and picture");
  }
  return probabilities.size() / width;
}

void check_label(std::string_view function, std::string_view what, Label label, std::size_t index,
                 std::int64_t classes) {
  if (label >= classes) {
    throw Error(ErrorKind::kUsage, std::string(function),
                fmt::format("{} label {} is beyond the {} classes", what, label, classes),
                {{"at", fmt::format("index {}", index)}, {"allowed", fmt::format("0 to {}", classes - 1)}});
  }
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// The sum in the order in which numpy adds (pairwise summation over eight strands), so that averages round as
/// scikit-learn's do.
double numpy_sum(std::span<const double> numbers) {
  constexpr std::size_t kStrands = 8;
  constexpr std::size_t kBlock = 128;
  if (numbers.size() < kStrands) {
    return std::accumulate(numbers.begin(), numbers.end(), 0.0);
  }
  if (numbers.size() > kBlock) {
    const std::size_t half = numbers.size() / 2 / kStrands * kStrands;
    return numpy_sum(numbers.first(half)) + numpy_sum(numbers.subspan(half));
  }
  std::array<double, kStrands> r{};
  const std::size_t whole = numbers.size() / kStrands * kStrands;
  for (std::size_t i = 0; i < whole; ++i) {
    r[i % kStrands] += numbers[i];
  }
  const double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  return std::accumulate(numbers.begin() + static_cast<std::ptrdiff_t>(whole), numbers.end(), sum);
}

/// The mean of the scores, each counted `weight(score)` times; 0 where all weights are 0.
template <class Weight>
ClassScore average(const std::vector<ClassScore>& scores, Weight weight) {
  const auto total = [&](auto number) {
    std::vector<double> numbers;
    for (const ClassScore& score : scores) {
      numbers.push_back(weight(score) * number(score));
    }
    return numpy_sum(numbers);
  };
  const double weights = total([](const ClassScore&) { return 1.0; });
  const auto mean = [&](double ClassScore::*part) {
    return weights > 0 ? total([part](const ClassScore& score) { return score.*part; }) / weights : 0.0;
  };
  ClassScore result{mean(&ClassScore::precision), mean(&ClassScore::recall), mean(&ClassScore::f1), 0, 0};
  for (const ClassScore& score : scores) {
    result.support += score.support;
    result.answers += score.answers;
  }
  return result;
}

}  // namespace

std::vector<Label> predicted_labels(std::span<const float> probabilities, std::int64_t classes) {
  const std::size_t rows = row_count("predicted_labels", probabilities, classes);
  const auto width = static_cast<std::size_t>(classes);
  std::vector<Label> labels(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto numbers = probabilities.subspan(row * width, width);
    labels[row] = static_cast<Label>(std::max_element(numbers.begin(), numbers.end()) - numbers.begin());
  }
  return labels;
}

double cross_entropy(std::span<const float> probabilities, std::span<const Label> labels, std::int64_t classes) {
  constexpr std::string_view kFunction = "cross_entropy";
  const std::size_t rows = row_count(kFunction, probabilities, classes);
  if (rows == 0) {
    throw Error(ErrorKind::kUsage, std::string(kFunction), "there are no rows to take the mean of");
  }
  if (labels.size() != rows) {
    throw Error(ErrorKind::kUsage, std::string(kFunction), "rows of probabilities and labels differ in number",
                {{"rows", fmt::format("{}", rows)}, {"labels", fmt::format("{}", labels.size())}});
  }
  const auto width = static_cast<std::size_t>(classes);
  double sum = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    check_label(kFunction, "actual", labels[row], row, classes);
    const double p = probabilities[row * width + labels[row]];
    sum -= std::log(std::clamp(p, kProbabilityFloor, 1 - kProbabilityFloor));
  }
  return sum / static_cast<double>(rows);
}

ConfusionMatrix confusion_matrix(std::span<const Label> actual, std::span<const Label> predicted,
                                 std::int64_t classes) {
  constexpr std::string_view kFunction = "confusion_matrix";
  check_classes(kFunction, classes);
  if (actual.size() != predicted.size()) {
    throw Error(ErrorKind::kUsage, std::string(kFunction), "actual and predicted labels differ in number",
                {{"actual", fmt::format("{}", actual.size())}, {"predicted", fmt::format("{}", predicted.size())}});
  }
  ConfusionMatrix matrix{classes, std::vector<std::int64_t>(static_cast<std::size_t>(classes * classes))};
  for (std::size_t i = 0; i < actual.size(); ++i) {
    check_label(kFunction, "actual", actual[i], i, classes);
    check_label(kFunction, "predicted", predicted[i], i, classes);
    ++matrix.counts[static_cast<std::size_t>(actual[i] * classes + predicted[i])];
  }
  return matrix;
}

// Formulas: scikit-learn, precision_recall_fscore_support; f1 = 2 TP / (actual + predicted).
ClassificationReport classification_report(const ConfusionMatrix& confusion) {
  ClassificationReport report;
  std::int64_t total = 0;
  std::int64_t correct = 0;
  std::int64_t largest = 0;
  std::vector<ClassScore> occurring;
  std::vector<double> recalls;
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    std::int64_t actual = 0;
    std::int64_t predicted = 0;
    for (std::int64_t j = 0; j < confusion.classes; ++j) {
      actual += confusion.at(i, j);
      predicted += confusion.at(j, i);
    }
    const std::int64_t hits = confusion.at(i, i);
    report.classes.push_back(
        {ratio(hits, predicted), ratio(hits, actual), ratio(2 * hits, actual + predicted), actual, predicted});
    total += actual;
    correct += hits;
    largest = std::max(largest, actual);
    if (actual + predicted > 0) {
      occurring.push_back(report.classes.back());
    }
    if (actual > 0) {
      recalls.push_back(report.classes.back().recall);
    }
  }
  report.accuracy = ratio(correct, total);
  report.balanced_accuracy = recalls.empty() ? 0 : numpy_sum(recalls) / static_cast<double>(recalls.size());
  report.largest_class_share = ratio(largest, total);
  report.macro_average = average(occurring, [](const ClassScore&) { return 1.0; });
  report.weighted_average =
      average(occurring, [](const ClassScore& score) { return static_cast<double>(score.support); });
  return report;
}

double top_accuracy(std::span<const float> probabilities, std::span<const Label> labels, std::int64_t classes,
                    std::int64_t top) {
  const std::size_t rows = row_count("top_accuracy", probabilities, classes);
  std::int64_t hits = 0;
  for (std::size_t row = 0; row < std::min(rows, labels.size()); ++row) {
    const auto numbers =
        probabilities.subspan(row * static_cast<std::size_t>(classes), static_cast<std::size_t>(classes));
    const float own = numbers[labels[row]];
    // Of equal numbers the first comes before the others, as in predicted_labels.
    std::int64_t before = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      before += numbers[i] > own || (numbers[i] == own && i < labels[row]) ? 1 : 0;
    }
    hits += before < top ? 1 : 0;
  }
  return ratio(hits, static_cast<std::int64_t>(rows));
}

Evaluation evaluate_predictions(std::string split, std::vector<std::string> class_names,
                                std::span<const float> probabilities, std::span<const Label> labels) {
  const auto classes = static_cast<std::int64_t>(class_names.size());
  Evaluation evaluation;
  evaluation.score.loss = cross_entropy(probabilities, labels, classes);
  evaluation.confusion = confusion_matrix(labels, predicted_labels(probabilities, classes), classes);
  constexpr std::int64_t kTop = 3;
  evaluation.top_3_accuracy = top_accuracy(probabilities, labels, classes, kTop);
  evaluation.report = classification_report(evaluation.confusion);
  evaluation.score.accuracy = evaluation.report.accuracy;
  evaluation.score.samples = static_cast<std::int64_t>(labels.size());
  evaluation.split = std::move(split);
  evaluation.class_names = std::move(class_names);
  return evaluation;
}

}  // namespace lapel
