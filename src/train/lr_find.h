#pragma once

#include <span>
#include <vector>

#include "data/splits.h"
#include "lapel/data.h"
#include "lapel/lr_find.h"
#include "lapel/recipe.h"
#include "plan/network.h"

namespace lapel::training {

/// The steps of the range test (lapel/lr_find.h), on a network that was made for training. Without suggestions.
/// `class_weights`: as those of LoopInput.
[[nodiscard]] LrFindResult range_test(plan::Network& network, const LabeledPictures& pictures,
                                      const data::SampleRange& range, const TrainSpec& spec,
                                      std::span<const float> class_weights, const LrFindSettings& settings);

/// The smoothed losses of these losses: s = 0.98 s + 0.02 loss from 0, divided by 1 - 0.98^n for the n-th.
void smooth(std::vector<LrFindPoint>& points);

/// Fills in the suggestions. Throws Error (kNumeric) where there are too few points to tell.
void suggest(LrFindResult& result);

}  // namespace lapel::training
