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

namespace {

constexpr std::string_view kCrossEntropy = "cross_entropy";

[[noreturn]] void refuse_no_rows() {
  throw Error(ErrorKind::kUsage, std::string(kCrossEntropy), "there are no rows to take the mean of");
}

/// Adds the cross-entropy of each row to `sum`.
void add_cross_entropy(std::span<const float> probabilities, std::span<const Label> labels, std::int64_t classes,
                       double& sum) {
  const std::size_t rows = row_count(kCrossEntropy, probabilities, classes);
  if (labels.size() != rows) {
    throw Error(ErrorKind::kUsage, std::string(kCrossEntropy), "rows of probabilities and labels differ in number",
                {{"rows", fmt::format("{}", rows)}, {"labels", fmt::format("{}", labels.size())}});
  }
  const auto width = static_cast<std::size_t>(classes);
  for (std::size_t row = 0; row < rows; ++row) {
    check_label(kCrossEntropy, "actual", labels[row], row, classes);
    const double p = probabilities[row * width + labels[row]];
    sum -= std::log(std::clamp(p, kProbabilityFloor, 1 - kProbabilityFloor));
  }
}

}  // namespace

double cross_entropy(std::span<const float> probabilities, std::span<const Label> labels, std::int64_t classes) {
  if (row_count(kCrossEntropy, probabilities, classes) == 0) {
    refuse_no_rows();
  }
  double sum = 0;
  add_cross_entropy(probabilities, labels, classes, sum);
  return sum / static_cast<double>(labels.size());
}

std::int64_t ConfusionMatrix::at(std::int64_t actual, std::int64_t predicted) const {
  const auto before = [&](const ConfusionCell& cell, std::int64_t place) {
    return cell.actual * classes + cell.predicted < place;
  };
  const auto found = std::lower_bound(cells.begin(), cells.end(), actual * classes + predicted, before);
  return found != cells.end() && found->actual == actual && found->predicted == predicted ? found->count : 0;
}

std::vector<std::int64_t> ConfusionMatrix::counts() const {
  std::vector<std::int64_t> all(static_cast<std::size_t>(classes * classes));
  for (const ConfusionCell& cell : cells) {
    all[static_cast<std::size_t>(cell.actual * classes + cell.predicted)] = cell.count;
  }
  return all;
}

ConfusionMatrix ConfusionMatrix::of_counts(std::int64_t classes, std::span<const std::int64_t> counts) {
  check_classes("ConfusionMatrix", classes);
  if (std::ssize(counts) != classes * classes) {
    throw Error(ErrorKind::kUsage, "ConfusionMatrix", "there is not one count for each pair of classes",
                {{"counts", fmt::format("{}", counts.size())}, {"classes", fmt::format("{}", classes)}});
  }
  ConfusionMatrix matrix{classes, {}};
  for (std::int64_t i = 0; i < classes * classes; ++i) {
    if (const std::int64_t count = counts[static_cast<std::size_t>(i)]; count > 0) {
      matrix.cells.push_back({static_cast<Label>(i / classes), static_cast<Label>(i % classes), count});
    }
  }
  return matrix;
}

ConfusionMatrix confusion_matrix(std::span<const Label> actual, std::span<const Label> predicted,
                                 std::int64_t classes) {
  constexpr std::string_view kFunction = "confusion_matrix";
  check_classes(kFunction, classes);
  if (actual.size() != predicted.size()) {
    throw Error(ErrorKind::kUsage, std::string(kFunction), "actual and predicted labels differ in number",
                {{"actual", fmt::format("{}", actual.size())}, {"predicted", fmt::format("{}", predicted.size())}});
  }
  std::vector<std::pair<Label, Label>> pairs;
  pairs.reserve(actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    check_label(kFunction, "actual", actual[i], i, classes);
    check_label(kFunction, "predicted", predicted[i], i, classes);
    pairs.emplace_back(actual[i], predicted[i]);
  }
  std::ranges::sort(pairs);
  ConfusionMatrix matrix{classes, {}};
  for (const auto& [row, column] : pairs) {
    const bool another =
        matrix.cells.empty() || matrix.cells.back().actual != row || matrix.cells.back().predicted != column;
    if (another) {
      matrix.cells.push_back({row, column, 0});
    }
    ++matrix.cells.back().count;
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
  struct Sums {
    std::int64_t actual, predicted, hits;
  };
  std::vector<Sums> sums(static_cast<std::size_t>(confusion.classes));
  for (const ConfusionCell& cell : confusion.cells) {
    sums[cell.actual].actual += cell.count;
    sums[cell.predicted].predicted += cell.count;
    sums[cell.actual].hits += cell.actual == cell.predicted ? cell.count : 0;
  }
  for (const auto& [actual, predicted, hits] : sums) {
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

namespace {

/// Rows in which the label is among the `top` most probable classes.
std::int64_t among_top(std::span<const float> probabilities, std::span<const Label> labels, std::int64_t classes,
                       std::int64_t top) {
  const std::size_t rows = row_count("top_accuracy", probabilities, classes);
  std::int64_t hits = 0;
  for (std::size_t row = 0; row < std::min(rows, labels.size()); ++row) {
    check_label("top_accuracy", "actual", labels[row], row, classes);
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
  return hits;
}

}  // namespace

double top_accuracy(std::span<const float> probabilities, std::span<const Label> labels, std::int64_t classes,
                    std::int64_t top) {
  const std::size_t rows = row_count("top_accuracy", probabilities, classes);
  return ratio(among_top(probabilities, labels, classes, top), static_cast<std::int64_t>(rows));
}

Evaluator::Evaluator(std::string split, std::vector<std::string> class_names) {
  result_.split = std::move(split);
  result_.class_names = std::move(class_names);
}

void Evaluator::add(std::span<const float> probabilities, std::span<const Label> labels) {
  constexpr std::int64_t kTop = 3;
  const auto classes = static_cast<std::int64_t>(result_.class_names.size());
  add_cross_entropy(probabilities, labels, classes, loss_);
  among_top_ += among_top(probabilities, labels, classes, kTop);
  const std::vector<Label> predicted = predicted_labels(probabilities, classes);
  actual_.insert(actual_.end(), labels.begin(), labels.end());
  predicted_.insert(predicted_.end(), predicted.begin(), predicted.end());
}

Evaluation Evaluator::evaluation() && {
  if (actual_.empty()) {
    refuse_no_rows();
  }
  const auto samples = static_cast<std::int64_t>(actual_.size());
  result_.score.loss = loss_ / static_cast<double>(samples);
  result_.confusion = confusion_matrix(actual_, predicted_, static_cast<std::int64_t>(result_.class_names.size()));
  result_.top_3_accuracy = ratio(among_top_, samples);
  result_.report = classification_report(result_.confusion);
  result_.score.accuracy = result_.report.accuracy;
  result_.score.samples = samples;
  return std::move(result_);
}

Evaluation evaluate_predictions(std::string split, std::vector<std::string> class_names,
                                std::span<const float> probabilities, std::span<const Label> labels) {
  Evaluator evaluator(std::move(split), std::move(class_names));
  evaluator.add(probabilities, labels);
  return std::move(evaluator).evaluation();
}

}  // namespace lapel
