#include "bench/statistics.h"

#include <gtest/gtest.h>

namespace lapel::measuring {
namespace {

TEST(Statistics, AreNumpysQuantiles) {
  // numpy.quantile([4, 1, 3, 2, 10, 7], [0.25, 0.5, 0.75])
  const auto result = statistics({4, 1, 3, 2, 10, 7});
  EXPECT_EQ(result.count, 6);
  EXPECT_DOUBLE_EQ(result.min, 1);
  EXPECT_DOUBLE_EQ(result.q1, 2.25);
  EXPECT_DOUBLE_EQ(result.median, 3.5);
  EXPECT_DOUBLE_EQ(result.q3, 6.25);
  EXPECT_DOUBLE_EQ(result.mean, 4.5);
}

TEST(Statistics, OfOneAndOfNone) {
  const auto one = statistics({5});
  EXPECT_EQ(one.min, 5);
  EXPECT_EQ(one.q1, 5);
  EXPECT_EQ(one.median, 5);
  EXPECT_EQ(one.q3, 5);
  EXPECT_EQ(one.mean, 5);
  EXPECT_EQ(statistics({}).count, 0);
}

}  // namespace
}  // namespace lapel::measuring
