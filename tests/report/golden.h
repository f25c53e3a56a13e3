#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace lapel::testing {

/// A text of tests/report/golden, whole.
inline std::string golden(const std::string& name) {
  std::ifstream file(std::string(LAPEL_SOURCE_DIR) + "/tests/report/golden/" + name, std::ios::binary);
  if (!file) {
    throw std::runtime_error("no golden text " + name);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace lapel::testing
