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

/// Applies `limit`, then `validation` ("last 5000") or `validation_split` as Keras does: the training part has
/// floor(n (1 - validation_split)) samples. Throws Error (kRecipe) for both given, for text of another form, or where
/// nothing would be left to train on, with the numbers.
[[nodiscard]] Splits split_training(const DataSpec& spec, std::int64_t samples);

/// The samples of `range` in the order of this epoch: a permutation that is a function of (seed, epoch) alone
/// (Fisher-Yates over RandomStream{seed, kShuffle, 0, epoch}), or as they lie. `order` is resized; later calls with the
/// same range allocate nothing.
void epoch_order(const SampleRange& range, bool shuffle, std::uint64_t seed, std::uint32_t epoch,
                 std::vector<std::uint32_t>& order);

}  // namespace lapel::data
