#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

/// `%9s` after a space, as scikit-learn's columns.
std::string report_row(std::string_view name, std::size_t width, const ClassScore& score) {
  return fmt::format("{}  {:>9.2f} {:>9.2f} {:>9.2f} {:>9}\n", report::pad_left(name, width), score.precision,
                     score.recall, score.f1, score.support);
}

std::vector<std::size_t> all_classes(const ClassificationReport& report) {
  std::vector<std::size_t> all(report.classes.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

/// Of the classes that have pictures those with the lowest f1, in its order.
std::vector<std::size_t> worst_classes(const ClassificationReport& report) {
  constexpr std::size_t kWorst = 20;
  std::vector<std::size_t> classes = all_classes(report);
  std::erase_if(classes, [&](std::size_t i) { return report.classes[i].support == 0; });
  std::ranges::stable_sort(classes, {}, [&](std::size_t i) { return report.classes[i].f1; });
  classes.resize(std::min(classes.size(), kWorst));
  return classes;
}

}  // namespace

// Layout: scikit-learn 1.x, sklearn/metrics/_classification.py, classification_report with digits=2.
std::string to_text(const ClassificationReport& report, std::span<const std::string> class_names) {
  constexpr std::string_view kLongestAverage = "weighted avg";
  std::size_t width = kLongestAverage.size();
  // As scikit-learn, which knows only the classes that occur; one with answers alone has a precision of 0.
  const auto occurs = [](const ClassScore& score) { return score.support > 0 || score.answers > 0; };
  const bool many = report.classes.size() > kMostClassesShown;
  const std::vector<std::size_t> shown = many ? worst_classes(report) : all_classes(report);
  for (const std::size_t i : shown) {
    width = occurs(report.classes[i]) ? std::max(width, report::text_width(report::class_name(class_names, i))) : width;
  }
  std::string text = many ? fmt::format("The {} of {} classes with the lowest f1-score\n", shown.size(),
                                        report::grouped(std::ssize(report.classes)))
                          : std::string();
  text += fmt::format("{:{}}  {:>9} {:>9} {:>9} {:>9}\n\n", "", width, "precision", "recall", "f1-score", "support");
  std::string absent;
  for (const std::size_t i : shown) {
    if (occurs(report.classes[i])) {
      text += report_row(report::class_name(class_names, i), width, report.classes[i]);
    } else {
      absent += (absent.empty() ? "" : ", ") + report::class_name(class_names, i);
    }
  }
  text += fmt::format("\n{}  {:>9} {:>9} {:>9.2f} {:>9}\n", report::pad_left("accuracy", width), "", "",
                      report.accuracy, report.macro_average.support);
  text += report_row("macro avg", width, report.macro_average);
  text += report_row(kLongestAverage, width, report.weighted_average);
  return absent.empty() ? text : text + fmt::format("\nNo picture, and no answer, is of: {}\n", absent);
}

std::string to_text(const ConfusionMatrix& confusion, std::span<const std::string> class_names) {
  if (confusion.classes > static_cast<std::int64_t>(kMostClassesShown)) {
    constexpr std::size_t kPairs = 20;
    return confused_pairs(confusion, class_names, kPairs);
  }
  std::vector<std::string> header{"actual"};
  std::vector<std::vector<std::string>> rows;
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    const std::string number = fmt::format("{}", i);
    const std::string name = report::class_name(class_names, static_cast<std::size_t>(i));
    header.push_back(number);
    rows.push_back({name == number ? "class " + number : fmt::format("{} {}", number, name)});
    for (std::int64_t j = 0; j < confusion.classes; ++j) {
      rows.back().push_back(fmt::format("{}", confusion.at(i, j)));
    }
  }
  return grid_table(header, rows);
}

std::string to_csv(const ConfusionMatrix& confusion, std::span<const std::string> class_names) {
  const auto quoted = [&](std::int64_t label) {
    std::string name = report::class_name(class_names, static_cast<std::size_t>(label));
    if (name.find_first_of(",\"\n") != std::string::npos) {
      for (std::size_t at = name.find('"'); at != std::string::npos; at = name.find('"', at + 2)) {
        name.insert(at, 1, '"');
      }
      name = fmt::format("\"{}\"", name);
    }
    return name;
  };
  if (confusion.classes > static_cast<std::int64_t>(kMostClassesShown)) {
    std::string text = "actual,predicted,count\n";
    for (const ConfusionCell& cell : confusion.cells) {
      text += fmt::format("{},{},{}\n", quoted(cell.actual), quoted(cell.predicted), cell.count);
    }
    return text;
  }
  std::string text = "actual";
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    text += fmt::format(",{}", quoted(i));
  }
  text += "\n";
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    text += quoted(i);
    for (std::int64_t j = 0; j < confusion.classes; ++j) {
      text += fmt::format(",{}", confusion.at(i, j));
    }
    text += "\n";
  }
  return text;
}

std::string confused_pairs(const ConfusionMatrix& confusion, std::span<const std::string> class_names,
                           std::size_t count) {
  struct Pair {
    std::int64_t times, actual, predicted;
  };
  std::vector<Pair> pairs;
  for (const ConfusionCell& cell : confusion.cells) {
    if (cell.actual != cell.predicted) {
      pairs.push_back({cell.count, cell.actual, cell.predicted});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.times > b.times; });
  pairs.resize(std::min(count, pairs.size()));
  std::string text;
  for (const Pair& pair : pairs) {
    text += fmt::format("{:>6}  {} taken for {}\n", pair.times,
                        report::class_name(class_names, static_cast<std::size_t>(pair.actual)),
                        report::class_name(class_names, static_cast<std::size_t>(pair.predicted)));
  }
  return text;
}

std::string accuracy_warning(const Evaluation& evaluation) {
  const ClassificationReport& report = evaluation.report;
  const bool several = report.balanced_accuracy < 1 && report.largest_class_share < 1;
  return several && evaluation.score.accuracy <= report.largest_class_share
             ? fmt::format("warning: the largest class alone explains this accuracy: it has {:.2f}% of the pictures\n",
                           100 * report.largest_class_share)
             : std::string();
}

std::string to_text(const Evaluation& evaluation) {
  constexpr std::size_t kTop = 3;
  const ClassificationReport& report = evaluation.report;
  std::string text = fmt::format("{}: {} - accuracy: {:.4f} - loss: {:.4f}\n", evaluation.split,
                                 report::counted(evaluation.score.samples, "picture"), evaluation.score.accuracy,
                                 evaluation.score.loss);
  text += fmt::format("balanced accuracy: {:.4f}", report.balanced_accuracy);
  text += report.classes.size() > kTop ? fmt::format(" - top-3 accuracy: {:.4f}\n", evaluation.top_3_accuracy) : "\n";
  const std::string_view title = report.classes.size() > kMostClassesShown
                                     ? "Most confused pairs, of many classes"
                                     : "Confusion matrix: actual classes down, predicted across";
  return text + accuracy_warning(evaluation) +
         fmt::format("\n{}\n{}\n{}", to_text(report, evaluation.class_names), title,
                     to_text(evaluation.confusion, evaluation.class_names));
}

}  // namespace lapel
