#include "kernels/update/listed.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "kernels/bfloat16.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"

/// Every update of the list.
namespace lapel::kernels {
namespace {

using testing::random_numbers;

struct Arena {
  explicit Arena(std::int64_t size)
      : weights(random_numbers(size, 1)),
        grads(random_numbers(size, 2)),
        states{random_numbers(size, 3), random_numbers(size, 4), random_numbers(size, 5)},
        low(weights.size()) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      states[2][i] *= 0.1F;
      states[0][i] = 0.2F + states[0][i] * states[0][i];  // Mean squares, more than any square of a mean.
      states[1][i] *= 0.1F;
    }
  }
  UpdateSpan span() { return {weights, grads, states[0], states[1], low, states[2]}; }

  std::vector<float> weights, grads;
  std::array<std::vector<float>, 3> states;
  std::vector<std::uint16_t> low;
};

class ListedUpdates : public testing::EachTarget {};

TEST_P(ListedUpdates, AreThePlainOnes) {
  for (const ListedUpdate& update : listed_updates()) {
    EXPECT_FALSE(update.examples.empty());
    for (const ListedRule& rule : update.examples) {
      for (const std::int64_t size : {1, 15, 16, 40'000}) {
        SCOPED_TRACE(::testing::Message() << update.name << ", size " << size << ", states " << rule.states);
        Arena fast(size);
        Arena plain(size);
        for (int step = 0; step < 3; ++step) {
          UpdateRule(rule).apply(fast.span());
          update.reference(rule, plain.span());
        }
        for (std::size_t i = 0; i < fast.weights.size(); ++i) {
          ASSERT_NEAR(fast.weights[i], plain.weights[i], 1e-5F * (1 + std::abs(plain.weights[i]))) << i;
          ASSERT_EQ(fast.low[i], bfloat16_from_float(fast.weights[i])) << i;
          for (std::size_t state = 0; state < 3; ++state) {
            ASSERT_NEAR(fast.states[state][i], plain.states[state][i], 1e-5F) << i << ", state " << state;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ListedUpdates, testing::all_targets(), testing::target_name());

TEST(ListedUpdates, AreNotFused) {
  for (const ListedUpdate& update : listed_updates()) {
    const UpdateRule rule(update.examples.front());
    EXPECT_FALSE(rule.is_fused());
    EXPECT_EQ(&find_listed_update(update.name), &update);
  }
}

}  // namespace
}  // namespace lapel::kernels
