#include "base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "lapel/error.h"

namespace lapel {
namespace {

TEST(Buffer, IsAlignedAndZero) {
  for (const std::size_t bytes : {1U, 63U, 64U, 65U, 1000U, 1U << 20U}) {
    const Buffer buffer(bytes);
    EXPECT_EQ(buffer.size(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0U);
    EXPECT_TRUE(std::all_of(buffer.data(), buffer.data() + Buffer::aligned(bytes),
                            [](std::byte value) { return value == std::byte{0}; }));
  }
}

TEST(Buffer, EmptyOwnsNothing) {
  EXPECT_EQ(Buffer().data(), nullptr);
  const Buffer none(0);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_TRUE(none.as<float>().empty());
}

TEST(Buffer, ViewsWholeNumbersOnly) {
  Buffer buffer(10);
  EXPECT_EQ(buffer.as<float>().size(), 2U);
  buffer.as<float>()[1] = 2.5F;
  EXPECT_EQ(std::as_const(buffer).as<float>()[1], 2.5F);
}

TEST(Buffer, Moves) {
  Buffer first(100);
  const std::byte* memory = first.data();
  const Buffer second = std::move(first);
  EXPECT_EQ(second.data(), memory);
  EXPECT_EQ(second.size(), 100U);
}

TEST(Buffer, AlignedRoundsUp) {
  static_assert(Buffer::aligned(0) == 0);
  static_assert(Buffer::aligned(1) == 64);
  static_assert(Buffer::aligned(64) == 64);
  static_assert(Buffer::aligned(65) == 128);
}

TEST(Buffer, SaysHowMuchIsMissing) {
  try {
    const Buffer buffer(std::size_t{1} << 60U);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("there is not enough memory\n  wanted  1152921504606.8 MB        free  ")) << text;
    EXPECT_TRUE(text.ends_with(" MB        try  a smaller batch_size or model")) << text;
  }
}

}  // namespace
}  // namespace lapel
