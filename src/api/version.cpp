#include "lapel/version.h"

namespace lapel {

std::string_view version() { return LAPEL_VERSION; }

}  // namespace lapel
