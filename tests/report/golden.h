#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "support/source_dir.h"

namespace lapel::testing {

/// A text of tests/report/golden, whole.
inline std::string golden(const std::string& name) {
  std::ifstream file(source_dir() + "/tests/report/golden/" + name, std::ios::binary);
  if (!file) {
    throw std::runtime_error("no golden text " + name);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace lapel::testing
