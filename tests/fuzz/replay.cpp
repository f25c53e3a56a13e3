// Replays the cases of every reader: each is taken or refused by an Error, within five seconds.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz/readers.h"
#include "support/source_dir.h"

namespace lapel::fuzz {

namespace {

namespace fs = std::filesystem;

fs::path cases_of(const Reader& reader) { return fs::path(testing::source_dir()) / "tests/fuzz/cases" / reader.name; }

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class FuzzCases : public ::testing::TestWithParam<std::size_t> {};

TEST_P(FuzzCases, AreTakenOrRefused) {
  constexpr unsigned kSeconds = 60;  // The sanitizers are slow; a case that never ends is found all the same.
  const Reader& reader = readers()[GetParam()];
  const auto files = files_in(cases_of(reader));
  EXPECT_FALSE(files.empty());
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    SCOPED_TRACE(file.string());
    ::alarm(kSeconds);
    try {
      const bool taken = takes(reader, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      // Names tell what is expected.
      const std::string name = file.filename().string();
      EXPECT_TRUE(!name.starts_with("good") || taken);
      EXPECT_TRUE(!name.starts_with("bad") || !taken);
    } catch (const std::exception& problem) {
      ADD_FAILURE() << "another exception than lapel::Error, or a poor message: " << problem.what();
    }
    ::alarm(0);
  }
}

INSTANTIATE_TEST_SUITE_P(Readers, FuzzCases, ::testing::Range(std::size_t{0}, readers().size()),
                         [](const auto& one) { return std::string(readers()[one.param].name); });

}  // namespace

}  // namespace lapel::fuzz
