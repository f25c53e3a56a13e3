#include <fmt/format.h>

#include <algorithm>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

namespace {

/// `%9s` after a space, as scikit-learn's columns.
std::string report_row(std::string_view name, std::size_t width, const ClassScore& score) {
  return fmt::format("{}  {:>9.2f} {:>9.2f} {:>9.2f} {:>9}\n", report::pad_left(name, width), score.precision,
                     score.recall, score.f1, score.support);
}

}  // namespace

// Layout: scikit-learn 1.x, sklearn/metrics/_classification.py, classification_report with digits=2.
std::string to_text(const ClassificationReport& report, std::span<const std::string> class_names) {
  constexpr std::string_view kLongestAverage = "weighted avg";
  std::size_t width = kLongestAverage.size();
  // As scikit-learn, which knows only the classes that occur; one with answers alone has a precision of 0.
  const auto occurs = [](const ClassScore& score) { return score.support > 0 || score.answers > 0; };
  for (std::size_t i = 0; i < report.classes.size(); ++i) {
    width = occurs(report.classes[i]) ? std::max(width, report::text_width(report::class_name(class_names, i))) : width;
  }
  std::string text =
      fmt::format("{:{}}  {:>9} {:>9} {:>9} {:>9}\n\n", "", width, "precision", "recall", "f1-score", "support");
  std::string absent;
  for (std::size_t i = 0; i < report.classes.size(); ++i) {
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
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    for (std::int64_t j = 0; j < confusion.classes; ++j) {
      if (i != j && confusion.at(i, j) > 0) {
        pairs.push_back({confusion.at(i, j), i, j});
      }
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
  return text + accuracy_warning(evaluation) +
         fmt::format("\n{}\nConfusion matrix: actual classes down, predicted across\n{}",
                     to_text(report, evaluation.class_names), to_text(evaluation.confusion, evaluation.class_names));
}

}  // namespace lapel
