#pragma once

#include <string>

namespace lapel::testing {

/// The root of the source tree, where the files lie that tests read. A function, so that one object file alone depends
/// on the place of a checkout, and a compiler cache serves them all.
[[nodiscard]] std::string source_dir();

}  // namespace lapel::testing
