#pragma once

// Everything that Lapel offers to a program.
#include "lapel/augmentation.h"    // IWYU pragma: export
#include "lapel/bench.h"           // IWYU pragma: export
#include "lapel/callback.h"        // IWYU pragma: export
#include "lapel/classifier.h"      // IWYU pragma: export
#include "lapel/data.h"            // IWYU pragma: export
#include "lapel/error.h"           // IWYU pragma: export
#include "lapel/findings.h"        // IWYU pragma: export
#include "lapel/interop.h"         // IWYU pragma: export
#include "lapel/lr_find.h"         // IWYU pragma: export
#include "lapel/metrics.h"         // IWYU pragma: export
#include "lapel/picture_stream.h"  // IWYU pragma: export
#include "lapel/plot.h"            // IWYU pragma: export
#include "lapel/recipe.h"          // IWYU pragma: export
#include "lapel/report.h"          // IWYU pragma: export
#include "lapel/summary.h"         // IWYU pragma: export
#include "lapel/train.h"           // IWYU pragma: export
#include "lapel/version.h"         // IWYU pragma: export
