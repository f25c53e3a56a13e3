#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "api/classifier_impl.h"
#include "lapel/data.h"

namespace lapel {

/// Pictures that are looked at with a test-time augmentation.
struct EvaluatedPart {
  std::int64_t count = 0;
  std::string test_time_augmentation;
};

/// What it costs a classifier to look at pictures, found out with a few of them.
class EvaluationCost {
 public:
  /// `pictures` has at least one. The classifier's network is made at the first measurement, and stays.
  EvaluationCost(Classifier::Impl& classifier, const Pictures& pictures)
      : classifier_(classifier), pictures_(pictures) {}

  /// Measures with few pictures, then with as many as can be in the seconds left, up to a whole batch. Later with those
  /// again. False where `at_most` seconds are too few for that.
  [[nodiscard]] bool measure(double at_most);

  /// Of all parts, one after the other.
  [[nodiscard]] double seconds(std::span<const EvaluatedPart> parts) const;
  /// Of one look at one picture.
  [[nodiscard]] double seconds_of_picture() const { return seconds_of_picture_; }
  /// Of one floating-point operation there; 0 where the model has none that are counted.
  [[nodiscard]] double seconds_of_flop() const;

 private:
  [[nodiscard]] std::int64_t batch() const;
  [[nodiscard]] NetworkPool::Loan network() const;
  /// Pictures that even a slow machine can look at in this time.
  [[nodiscard]] std::int64_t first_count(double at_most) const;
  /// The seconds of a look at `count_` pictures, which it chooses.
  [[nodiscard]] double measure_first(double at_most);
  [[nodiscard]] double seconds_of_batch(std::int64_t count) const;

  Classifier::Impl& classifier_;
  const Pictures& pictures_;
  std::int64_t count_ = 0;  ///< Of pictures that were measured together.
  double seconds_of_picture_ = 0;
  double plan_seconds_ = 0;  ///< What the first look with a batch of another size takes more.
};

}  // namespace lapel
