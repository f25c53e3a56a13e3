#include "support/source_dir.h"

namespace lapel::testing {

std::string source_dir() { return LAPEL_SOURCE_DIR; }

}  // namespace lapel::testing
