#pragma once

#include "lapel/error.h"
#include "lapel/train.h"
#include "store/run_folder.h"

namespace lapel {

/// What becomes of the folder of a training that failed with `error`. One in which no epoch was finished, and from
/// which nothing can go on, is discarded. Another stays, and says that the run failed, unless its metrics are those of
/// the model that an earlier process left. Returns the error with what there is to be said of the folder.
[[nodiscard]] Error after_failure(const Error& error, const store::RunFolder& folder, const RunRecord& failed);

}  // namespace lapel
