#include "base/pattern.h"

#include <gtest/gtest.h>

#include <utility>

namespace lapel {
namespace {

TEST(Pattern, StarsAndQuestionMarks) {
  for (const auto& [pattern, name] : {std::pair{"dense/kernel", "dense/kernel"},
                                      {"*", ""},
                                      {"*", "a/b"},
                                      {"*/bias", "dense_1/bias"},
                                      {"conv*/ker?el", "conv2d_3/kernel"},
                                      {"*a*b*", "xxaxxbxx"},
                                      {"**", "x"},
                                      {"a*", "a"},
                                      {"*ab", "aab"}}) {
    EXPECT_TRUE(fits_pattern(pattern, name)) << pattern << ' ' << name;
  }
  for (const auto& [pattern, name] : {std::pair{"dense/kernel", "dense/kernels"},
                                      {"", "a"},
                                      {"?", ""},
                                      {"*/bias", "dense/bia"},
                                      {"*a*b", "xbxa"},
                                      {"a*", "ba"},
                                      {"Dense*", "dense/bias"}}) {
    EXPECT_FALSE(fits_pattern(pattern, name)) << pattern << ' ' << name;
  }
}

}  // namespace
}  // namespace lapel
