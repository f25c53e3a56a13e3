#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lapel/bench.h"
#include "lapel/classifier.h"
#include "lapel/data.h"
#include "lapel/metrics.h"
#include "lapel/plot.h"
#include "lapel/summary.h"
#include "lapel/train.h"

/// Results as text for people (`to_text`) and as one JSON document (`to_json`, indented by two spaces, with a newline
/// at the end). Nothing is computed here.
namespace lapel {

/// One line for each: `left out: 16 pictures of a kind that is not read (bar/x1.heic, ...)`.
[[nodiscard]] std::string to_text(const Finding& finding);
[[nodiscard]] std::string to_text(const Findings& findings);

/// Shapes, pixel ranges, and the counts by class as a grid table.
[[nodiscard]] std::string to_text(const DataDescription& description);
[[nodiscard]] std::string to_json(const DataDescription& description);

/// As Keras 3 prints `model.summary()`: box-drawing table, totals with sizes as `407,050 (1.55 MB)`.
[[nodiscard]] std::string to_text(const Summary& summary);
[[nodiscard]] std::string to_json(const Summary& summary);

/// So many classes are shown one by one; of more, reports show sums and what stands out.
inline constexpr std::size_t kMostClassesShown = 200;

/// scikit-learn's classification_report, character by character, with two decimals; of more than kMostClassesShown
/// classes only the rows of those with the lowest f1-score.
[[nodiscard]] std::string to_text(const ClassificationReport& report, std::span<const std::string> class_names);

/// The confusion matrix as a grid table: actual classes down, predicted across; of more than kMostClassesShown classes
/// the pairs that were confused most.
[[nodiscard]] std::string to_text(const ConfusionMatrix& confusion, std::span<const std::string> class_names);

/// The same as CSV: `actual,name,name,...`, then a row for each actual class; of more than kMostClassesShown classes
/// `actual,predicted,count`, a row for each count above 0.
[[nodiscard]] std::string to_csv(const ConfusionMatrix& confusion, std::span<const std::string> class_names);

/// The most confused pairs, at most `count`, most frequent first: `117  Shirt taken for T-shirt/top`. Empty without
/// mistakes.
[[nodiscard]] std::string confused_pairs(const ConfusionMatrix& confusion, std::span<const std::string> class_names,
                                         std::size_t count);

/// Accuracy and loss, classification report, confusion matrix.
[[nodiscard]] std::string to_text(const Evaluation& evaluation);
[[nodiscard]] std::string to_json(const Evaluation& evaluation);
/// A line where always answering with the largest class would be as right; else nothing. It is part of the text above.
[[nodiscard]] std::string accuracy_warning(const Evaluation& evaluation);

/// What was asked about one picture.
struct PredictionRow {
  std::string input;                     ///< The file, or `test[3]`.
  std::string actual;                    ///< The class it has; empty where unknown.
  std::vector<ClassProbability> ranked;  ///< Best first.
};
[[nodiscard]] std::string to_text(std::span<const PredictionRow> rows);
[[nodiscard]] std::string to_json(std::span<const PredictionRow> rows);

/// One line a run: name, parameters, seconds, accuracies, loss, and what the gap between them says. A gap in accuracy
/// between training and validation (or test) pictures above 0.05 is called overfitted, above 0.02 a little overfitted;
/// otherwise, where training accuracy itself is below 0.85, underfitted.
[[nodiscard]] std::string to_text(std::span<const RunSummary> runs);
[[nodiscard]] std::string to_json(std::span<const RunSummary> runs);
/// The same as CSV, and as a page of HTML.
[[nodiscard]] std::string to_csv(std::span<const RunSummary> runs);
[[nodiscard]] std::string to_html(std::span<const RunSummary> runs);

/// What `lapel bench` prints (docs/bench.md).
[[nodiscard]] std::string to_text(const BenchResult& result);
[[nodiscard]] std::string to_json(const BenchResult& result);
[[nodiscard]] std::string to_text(const MachineLimits& machine);
[[nodiscard]] std::string to_json(const MachineLimits& machine);

/// The content of `metrics.json`.
[[nodiscard]] std::string to_json(const RunRecord& record);

/// The page of a run: data, model, training, final scores, classification report, confusion matrix (`report.txt`).
[[nodiscard]] std::string run_report(const DataDescription& data, const Summary& summary,
                                     std::span<const EpochResult> history, const RunRecord& record,
                                     const Evaluation* held_out);

/// A table with borders as Python's tabulate prints with tablefmt="grid": `+---+`, `|`, `+===+` under the header.
/// Columns of numbers (every cell of `rows` reads as a number) are right-aligned, others left. Widths count Unicode
/// code points.
[[nodiscard]] std::string grid_table(std::span<const std::string> header,
                                     std::span<const std::vector<std::string>> rows);

/// The line above an epoch's progress: `Epoch 3/10`, of an ensemble `Member 2/5 - Epoch 3/10`.
[[nodiscard]] std::string epoch_title(const Progress& progress);

/// Keras's epoch line after its number: `Epoch 3/10 - 938/938 - 4s - 4ms/step - accuracy: 0.8234 - loss: 0.4921 ...`.
[[nodiscard]] std::string epoch_line(const EpochResult& result, const Progress& progress);
/// Keras's progress line, ` 120/1875 ━─────────────────── 12s 3ms/step - accuracy: 0.8234 - loss: 0.4921`: the bar of
/// 20, then the time left (the time spent, once the epoch is done).
[[nodiscard]] std::string progress_line(const Progress& progress);

}  // namespace lapel
