#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/recipe.h"

namespace lapel::data {

/// Consecutive samples of a set of pictures.
struct SampleRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// The training pictures divided: training first, validation after it (count 0: none).
struct Splits {
  SampleRange train;
  SampleRange validation;
};

/// Applies `limit`, then `validation` ("last 5000", "stratified 10%") or `validation_split` as Keras does: the training
/// part has floor(n (1 - validation_split)) samples. Throws Error (kRecipe) for both given, for text of another form,
/// or where nothing would be left to train on, with the numbers.
[[nodiscard]] Splits split_training(const DataSpec& spec, std::int64_t samples);

/// The training pictures divided into those that are trained on and those kept for validation.
struct Division {
  Splits splits;                     ///< Of `order`.
  std::vector<std::uint32_t> order;  ///< The training pictures as splits count them; empty: as they lie.
  bool own_validation = false;       ///< The data set's own validation part follows on the training pictures.
};

/// Divides: by the data set's own validation part, if it has one; else as split_training says, "stratified" so that
/// each class gives its share, "random" without looking at classes, and a share alone ("10%") stratified where the
/// pictures lie in the order of their classes and from the end otherwise; all by the spec's `split_seed`. What is odd
/// about the result goes to `findings`. Throws as split_training does.
[[nodiscard]] Division divide(const DataSet& data, const DataSpec& spec, Findings& findings);

/// The training pictures in the order of a division, and the validation part after them.
[[nodiscard]] LabeledPictures in_order_of(const Division& division, const DataSet& data);

/// The samples of `range` in the order of this epoch: a permutation that is a function of (seed, epoch) alone
/// (Fisher-Yates over RandomStream{seed, kShuffle, 0, epoch}), or as they lie. `order` is resized; later calls with the
/// same range allocate nothing.
void epoch_order(const SampleRange& range, bool shuffle, std::uint64_t seed, std::uint32_t epoch,
                 std::vector<std::uint32_t>& order);

/// As many samples of `range`, every class of `labels` there as often as the others (but for one): pictures of a small
/// class come several times, those of a large one not in every epoch. A function of (seed, epoch) alone; the order is
/// random.
void balanced_order(const SampleRange& range, std::span<const Label> labels, std::uint64_t seed, std::uint32_t epoch,
                    std::vector<std::uint32_t>& order);

}  // namespace lapel::data
