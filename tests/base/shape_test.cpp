#include "base/shape.h"

#include <gtest/gtest.h>

namespace lapel {
namespace {

TEST(Shape, OfAPicture) {
  const Shape shape = Shape::image(32, 26, 24);
  EXPECT_EQ(shape.size(), 32 * 26 * 24);
  EXPECT_EQ(shape.keras(), "(None, 26, 24, 32)");
  EXPECT_EQ(shape.text(), "26 x 24 x 32");
}

TEST(Shape, OfAVector) {
  const Shape shape = Shape::vector(784);
  EXPECT_EQ(shape.size(), 784);
  EXPECT_EQ(shape.keras(), "(None, 784)");
  EXPECT_EQ(shape.text(), "784");
  EXPECT_NE(shape, Shape::image(784, 1, 1)) << "a vector is not a picture of one place";
}

}  // namespace
}  // namespace lapel
