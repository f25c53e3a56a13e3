#include "base/only_errors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <new>
#include <stdexcept>
#include <vector>

#include "support/messages.h"

namespace lapel {

namespace {

template <class F>
std::string message(const F& body) {
  return test::message_of([&] {
    only_errors("here", body);
    return 0;
  });
}

TEST(OnlyErrors, WhateverIsThrownBecomesOne) {
  EXPECT_EQ(message([] {}), "no error");
  EXPECT_EQ(message([] { throw Error(ErrorKind::kData, "there", "as it is"); }), "there: as it is");
  EXPECT_EQ(message([] { static_cast<void>(std::filesystem::file_size("/no/such/file")); }),
            "/no/such/file: cannot be used: No such file or directory\n  try  the path of a file or folder");
  EXPECT_EQ(message([] { throw std::bad_alloc(); }),
            "here: the memory of this machine does not suffice\n"
            "  try  a smaller train.batch_size, data.limit or model");
  EXPECT_EQ(message([] {
              std::vector<int> numbers;
              numbers.reserve(std::numeric_limits<std::size_t>::max());
            }),
            "here: more memory would be needed than there can be\n"
            "  try  a smaller train.batch_size, data.limit or model");
  EXPECT_EQ(message([] { throw std::runtime_error("other words"); }), "here: a defect of lapel: other words");
}

TEST(OnlyErrors, WhatTheBodyReturnsComesBack) {
  EXPECT_EQ(only_errors("here", [] { return 3; }), 3);
}

}  // namespace

}  // namespace lapel
