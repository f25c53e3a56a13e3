#pragma once

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "support/source_dir.h"

namespace lapel::training::test {

/// The numbers that make_numbers.py wrote, by key.
inline std::map<std::string, std::vector<double>> golden_numbers() {
  std::map<std::string, std::vector<double>> numbers;
  std::ifstream file(lapel::testing::source_dir() + "/tests/train/numbers.txt");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    double value = 0;
    while (words >> value) {
      numbers[key].push_back(value);
    }
  }
  return numbers;
}

}  // namespace lapel::training::test
