#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "lapel/error.h"
#include "support/temp_folder.h"

namespace lapel::testing {

/// A test with a folder of its own.
class ScratchTest : public ::testing::Test {
 protected:
  [[nodiscard]] const std::filesystem::path& folder() const { return temp_.path(); }

  /// The message of the error that `action` throws, with the scratch folder's name as `DIR`.
  [[nodiscard]] std::string message_of(ErrorKind kind, const std::function<void()>& action) const {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      std::string text = error.what();
      const std::string name = folder().string();
      for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name)) {
        text.replace(at, name.size(), "DIR");
      }
      return text;
    }
    return "no error";
  }

 private:
  TempFolder temp_;
};

}  // namespace lapel::testing
