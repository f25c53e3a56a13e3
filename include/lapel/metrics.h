#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"

namespace lapel {

/// How many pictures of one class were taken for one class.
struct ConfusionCell {
  Label actual = 0;
  Label predicted = 0;
  std::int64_t count = 0;

  friend bool operator==(const ConfusionCell&, const ConfusionCell&) = default;
};

/// Counts of (actual, predicted): rows are actual classes, columns predicted ones. Of thousands of classes nearly all
/// counts are 0, so only the others are held.
struct ConfusionMatrix {
  std::int64_t classes = 0;
  std::vector<ConfusionCell> cells;  ///< Those above 0, by row, then by column.

  [[nodiscard]] std::int64_t at(std::int64_t actual, std::int64_t predicted) const;
  /// All classes x classes counts, row-major.
  [[nodiscard]] std::vector<std::int64_t> counts() const;
  /// From these. Throws Error (kUsage) for another number of them.
  [[nodiscard]] static ConfusionMatrix of_counts(std::int64_t classes, std::span<const std::int64_t> counts);
};

/// Of one class, or an average over classes. A ratio with denominator 0 is 0, as scikit-learn has it.
struct ClassScore {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  std::int64_t support = 0;
  std::int64_t answers = 0;  ///< Pictures taken for it, of whatever class.
};

/// What scikit-learn's classification_report computes. Averages are over the classes that occur: those with a picture,
/// and those that some picture was taken for.
struct ClassificationReport {
  std::vector<ClassScore> classes;
  double accuracy = 0;
  double balanced_accuracy = 0;    ///< Mean recall of the classes that have pictures.
  double largest_class_share = 0;  ///< The accuracy of always answering with the largest class.
  ClassScore macro_average;
  ClassScore weighted_average;
};

/// Accuracy and loss over some pictures, in inference mode (no dropout).
struct Score {
  double accuracy = 0;
  double loss = 0;  ///< Mean cross-entropy, in nats, without label smoothing.
  std::int64_t samples = 0;
};

/// The share of rows in which the label is among the `top` most probable classes.
[[nodiscard]] double top_accuracy(std::span<const float> probabilities, std::span<const Label> labels,
                                  std::int64_t classes, std::int64_t top);

/// Everything measured on one part of a data set.
struct Evaluation {
  std::string split;
  std::vector<std::string> class_names;
  Score score;
  double top_3_accuracy = 0;
  ClassificationReport report;
  ConfusionMatrix confusion;
};

/// The position of the largest number of each row of `classes` (the first, if several are largest).
[[nodiscard]] std::vector<Label> predicted_labels(std::span<const float> probabilities, std::int64_t classes);

/// Mean of -log p[label], with p clipped to [1e-7, 1 - 1e-7] as Keras does with probabilities.
/// `probabilities` is n x classes. Throws Error (kUsage) where the lengths do not fit, or for no rows.
[[nodiscard]] double cross_entropy(std::span<const float> probabilities, std::span<const Label> labels,
                                   std::int64_t classes);

/// Throws Error (kUsage) where the lengths differ or a label is not below `classes`.
[[nodiscard]] ConfusionMatrix confusion_matrix(std::span<const Label> actual, std::span<const Label> predicted,
                                               std::int64_t classes);

[[nodiscard]] ClassificationReport classification_report(const ConfusionMatrix& confusion);

/// All of it from the probabilities.
[[nodiscard]] Evaluation evaluate_predictions(std::string split, std::vector<std::string> class_names,
                                              std::span<const float> probabilities, std::span<const Label> labels);

/// The same for probabilities that come part by part, of which only sums are kept.
class Evaluator {
 public:
  Evaluator(std::string split, std::vector<std::string> class_names);

  /// The next pictures. Throws Error (kUsage) as `cross_entropy` does.
  void add(std::span<const float> probabilities, std::span<const Label> labels);
  /// Of all that were added. Throws Error (kUsage) where there were none.
  [[nodiscard]] Evaluation evaluation() &&;

 private:
  Evaluation result_;
  std::vector<Label> actual_;
  std::vector<Label> predicted_;
  double loss_ = 0;
  std::int64_t among_top_ = 0;
};

}  // namespace lapel
