#include "plan/placement.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/buffer.h"

namespace lapel::plan {
namespace {

bool live_together(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

TEST(Placement, PiecesThatLiveTogetherNeverOverlap) {
  EXPECT_TRUE(rc::check([] {
    const auto count = *rc::gen::inRange<std::size_t>(1, 30);
    std::vector<Lifetime> pieces;
    for (std::size_t i = 0; i < count; ++i) {
      const auto first = *rc::gen::inRange<std::size_t>(0, 20);
      const auto length = *rc::gen::inRange<std::size_t>(0, 20);
      pieces.push_back({*rc::gen::inRange<std::size_t>(0, 1000), first, first + length});
    }
    const auto map = place(pieces);
    for (std::size_t i = 0; i < count; ++i) {
      RC_ASSERT(map.offsets[i] % Buffer::kAlignment == 0);
      RC_ASSERT(map.offsets[i] + pieces[i].bytes <= map.bytes);
      for (std::size_t j = 0; j < i; ++j) {
        const bool apart =
            map.offsets[i] + pieces[i].bytes <= map.offsets[j] || map.offsets[j] + pieces[j].bytes <= map.offsets[i];
        RC_ASSERT(apart || pieces[i].bytes == 0 || pieces[j].bytes == 0 || !live_together(pieces[i], pieces[j]));
      }
    }
  }));
}

TEST(Placement, APieceTakesThePlaceOfOneThatIsDone) {
  const auto map = place({{640, 0, 1}, {640, 2, 3}, {64, 0, 3}});
  EXPECT_EQ(map.offsets[0], map.offsets[1]);
  EXPECT_EQ(map.bytes, 704U);
}

}  // namespace
}  // namespace lapel::plan
