#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"

namespace lapel {

/// Counts of (actual, predicted): rows are actual classes, columns predicted ones.
struct ConfusionMatrix {
  std::int64_t classes = 0;
  std::vector<std::int64_t> counts;  ///< classes x classes, row-major

  [[nodiscard]] std::int64_t at(std::int64_t actual, std::int64_t predicted) const {
    return counts[static_cast<std::size_t>(actual * classes + predicted)];
  }
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

}  // namespace lapel
