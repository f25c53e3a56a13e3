#include "kernels/update/update.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "kernels/reference/reference.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using testing::random_numbers;

/// Every pattern of the upper half, with lower halves around the points where rounding turns.
std::vector<float> rounding_cases() {
  std::vector<float> cases;
  for (std::uint32_t high = 0; high < 0x10000U; ++high) {
    for (const std::uint32_t low : {0x0000U, 0x0001U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      cases.push_back(std::bit_cast<float>((high << 16U) | low));
    }
  }
  return cases;
}

/// Nearest, ties to even, by distances in double instead of by bits.
std::uint16_t rounded_by_distance(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto below = static_cast<std::uint16_t>(bits >> 16U);
  const auto above = static_cast<std::uint16_t>(below + 1);
  const auto wide = [](std::uint16_t half) {
    const double number = static_cast<double>(float_from_bfloat16(half));
    return std::isinf(number) ? std::copysign(0x1p128, number) : number;  // the next number, were there one
  };
  const double to_below = std::abs(static_cast<double>(value) - wide(below));
  const double to_above = std::abs(static_cast<double>(value) - wide(above));
  if (to_below == to_above) {
    return below % 2 == 0 ? below : above;
  }
  return to_below < to_above ? below : above;
}

TEST(Bfloat16, KnownValues) {
  EXPECT_EQ(bfloat16_from_float(1.0F), 0x3F80);
  EXPECT_EQ(bfloat16_from_float(-2.5F), 0xC020);
  EXPECT_EQ(bfloat16_from_float(1 + 0x1p-8F), 0x3F80) << "a tie goes down to even";
  EXPECT_EQ(bfloat16_from_float(1 + 3 * 0x1p-8F), 0x3F82) << "a tie goes up to even";
  EXPECT_EQ(bfloat16_from_float(1 + 0x1p-8F + 0x1p-23F), 0x3F81);
  EXPECT_EQ(bfloat16_from_float(-0.0F), 0x8000);
  EXPECT_EQ(bfloat16_from_float(std::numeric_limits<float>::max()), 0x7F80) << "rounds to infinity";
  EXPECT_EQ(bfloat16_from_float(-std::numeric_limits<float>::infinity()), 0xFF80);
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0x00008000U)), 0x0000) << "a subnormal tie";
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0x00018000U)), 0x0002);
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0x7F800001U)), 0x7FC0) << "a NaN must not become infinity";
  EXPECT_EQ(bfloat16_from_float(std::bit_cast<float>(0xFFFFFFFFU)), 0xFFFF) << "a NaN must not become zero";
}

TEST(Bfloat16, IsTheNearest) {
  for (const float value : rounding_cases()) {
    if (std::isfinite(value)) {
      ASSERT_EQ(bfloat16_from_float(value), rounded_by_distance(value)) << value;
    }
  }
}

class Update : public testing::EachTarget {};

TEST_P(Update, ConvertsToBfloat16AsTheScalarFunction) {
  const std::vector<float> cases = rounding_cases();
  std::vector<std::uint16_t> converted(cases.size());
  to_bfloat16(cases, converted);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ASSERT_EQ(converted[i], bfloat16_from_float(cases[i])) << std::bit_cast<std::uint32_t>(cases[i]);
  }
}

TEST_P(Update, ConvertsFromBfloat16) {
  std::vector<std::uint16_t> halves(0x10000);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<std::uint16_t>(i);
  }
  std::vector<float> converted(halves.size());
  from_bfloat16(halves, converted);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(converted[i]), static_cast<std::uint32_t>(i) << 16U);
  }
}

/// The state of one stretch of weights, with its own memory.
struct Arena {
  std::vector<float> weights, grads, state1, state2;
  std::vector<std::uint16_t> low;

  explicit Arena(std::size_t size)
      : weights(random_numbers(static_cast<std::int64_t>(size), 1)),
        grads(random_numbers(static_cast<std::int64_t>(size), 2)),
        state1(random_numbers(static_cast<std::int64_t>(size), 3)),
        state2(random_numbers(static_cast<std::int64_t>(size), 4)),
        low(size) {
    for (float& v : state2) {
      v = std::abs(v);
    }
  }
  UpdateSpan span() { return {weights, grads, state1, state2, low}; }
  bool operator==(const Arena&) const = default;
};

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, const char* what) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], 1e-6 * (1 + std::abs(static_cast<double>(expected[i]))))
        << what << "[" << i << "] of " << expected.size();
  }
}

/// `update` and `reference` take an iteration and a span.
template <class F, class G>
void compare_updates(const F& update, const G& reference) {
  std::vector<std::size_t> sizes{1000, 40'003};
  for (std::size_t size = 0; size <= 67; ++size) {
    sizes.push_back(size);
  }
  for (const std::size_t size : sizes) {
    Arena actual(size);
    Arena expected(size);
    for (std::int64_t iteration = 1; iteration <= 3; ++iteration) {
      update(iteration, actual.span());
      reference(iteration, expected.span());
    }
    expect_near(actual.weights, expected.weights, "weights");
    expect_near(actual.state1, expected.state1, "state1");
    expect_near(actual.state2, expected.state2, "state2");
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(actual.low[i], bfloat16_from_float(actual.weights[i])) << i;
      ASSERT_EQ(expected.low[i], bfloat16_from_float(expected.weights[i])) << i;
    }
    ASSERT_EQ(actual.grads, expected.grads);
  }
}

TEST_P(Update, SgdAgreesWithReference) {
  for (const SgdRule& step : {SgdRule{0.1F, 0, false, 0}, SgdRule{0.1F, 0, false, 0.3F}, SgdRule{0.1F, 0.9F, false, 0},
                              SgdRule{0.1F, 0.9F, true, 0}, SgdRule{0.1F, 0.9F, true, 0.3F}}) {
    compare_updates([&](std::int64_t, const UpdateSpan& span) { sgd_update(step, span); },
                    [&](std::int64_t, const UpdateSpan& span) { reference_sgd_update(step, span); });
  }
}

TEST_P(Update, AdamAgreesWithReference) {
  for (AdamRule step : {AdamRule{}, AdamRule{0.01F, 0.8, 0.99, 1e-3F, 0.1F, 1}}) {
    const auto at = [&](std::int64_t iteration) {
      step.iteration = iteration;
      return step;
    };
    compare_updates([&](std::int64_t t, const UpdateSpan& span) { adam_update(at(t), span); },
                    [&](std::int64_t t, const UpdateSpan& span) { reference_adam_update(at(t), span); });
  }
}

TEST_P(Update, IsTheSameForAnyNumberOfThreads) {
  const auto result = [](int threads) {
    const ThreadScope scope(threads);
    Arena arena(70'001);
    adam_update({}, arena.span());
    sgd_update({0.1F, 0.9F, true, 0.01F}, arena.span());
    return arena;
  };
  const Arena serial = result(1);
  EXPECT_EQ(result(2), serial);
  EXPECT_EQ(result(3), serial);
}

TEST_P(Update, LowCopyAndUnusedStateMayBeLeftOut) {
  std::vector<float> weights(19, 1.0F);
  const std::vector<float> grads(19, 0.5F);
  sgd_update({0.1F, 0, false, 0}, {weights, grads, {}, {}, {}});
  EXPECT_EQ(weights, std::vector<float>(19, 0.95F));
}

TEST_P(Update, StateThatDecaysEndsAtZeroAndTheThreadIsAsBefore) {
  Arena arena(67);
  std::fill(arena.grads.begin(), arena.grads.end(), 0.0F);
  std::fill(arena.state1.begin(), arena.state1.end(), 1.2e-38F);
  adam_update({}, arena.span());
  for (const float m : arena.state1) {
    EXPECT_TRUE(m == 0 || std::isnormal(m)) << m;
  }
  volatile float smallest = std::numeric_limits<float>::min();
  const float half = smallest / 2;
  EXPECT_GT(half, 0.0F) << "numbers below the normal ones are still zero after the update";
}

TEST_P(Update, PaddingStaysZero) {
  Arena arena(64);
  for (auto* part : {&arena.weights, &arena.grads, &arena.state1, &arena.state2}) {
    std::fill(part->begin(), part->end(), 0.0F);
  }
  adam_update({0.001F, 0.9, 0.999, 1e-7F, 0.1F, 5}, arena.span());
  sgd_update({0.1F, 0.9F, true, 0.1F}, arena.span());
  EXPECT_EQ(arena.weights, std::vector<float>(64, 0.0F));
  EXPECT_EQ(arena.low, std::vector<std::uint16_t>(64, 0));
}

INSTANTIATE_TEST_SUITE_P(All, Update, testing::all_targets(), testing::target_name());

/// One weight, stepped through by hand.
struct One {
  std::vector<float> weight{1.0F}, state1{0.0F}, state2{0.0F};
  template <class Step, class F>
  float step(const F& update, const Step& options, float grad) {
    std::vector<float> grads{grad};
    update(options, UpdateSpan{weight, grads, state1, state2, {}});
    return weight[0];
  }
};

// w = 1, g = 0.5 twice, lr = 0.1.
// Keras SGD.update_step: 1 - 0.1 * 0.5 = 0.95, then 0.9.
// momentum 0.9: m = -0.05, w = 0.95; m = 0.9 * -0.05 - 0.05 = -0.095, w = 0.855.
// nesterov: w = 1 + 0.9 * -0.05 - 0.05 = 0.905; w = 0.905 + 0.9 * -0.095 - 0.05 = 0.7695.
// weight_decay 0.2: w = 1 - 0.1 * 0.2 * 1 - 0.05 = 0.93; w = 0.93 - 0.02 * 0.93 - 0.05 = 0.8614.
TEST(UpdateGolden, Sgd) {
  for (const auto update : {sgd_update, reference_sgd_update}) {
    const auto two_steps = [&](const SgdRule& step) {
      One one;
      const float first = one.step(update, step, 0.5F);
      return std::vector<float>{first, one.step(update, step, 0.5F)};
    };
    const auto plain = two_steps({0.1F, 0, false, 0});
    EXPECT_FLOAT_EQ(plain[0], 0.95F);
    EXPECT_FLOAT_EQ(plain[1], 0.9F);
    const auto momentum = two_steps({0.1F, 0.9F, false, 0});
    EXPECT_FLOAT_EQ(momentum[0], 0.95F);
    EXPECT_FLOAT_EQ(momentum[1], 0.855F);
    const auto nesterov = two_steps({0.1F, 0.9F, true, 0});
    EXPECT_FLOAT_EQ(nesterov[0], 0.905F);
    EXPECT_FLOAT_EQ(nesterov[1], 0.7695F);
    const auto decay = two_steps({0.1F, 0, false, 0.2F});
    EXPECT_FLOAT_EQ(decay[0], 0.93F);
    EXPECT_FLOAT_EQ(decay[1], 0.8614F);
  }
}

// w = 1, g = 0.5 then -0.25, Keras's defaults (lr 1e-3, 0.9, 0.999, 1e-7).
// t = 1: m = 0.05, v = 0.00025, alpha = 1e-3 sqrt(0.001) / 0.1 = 3.16227766e-4,
//        w = 1 - 0.05 * 3.16227766e-4 / (sqrt(0.00025) + 1e-7) = 1 - 9.99993675e-4 = 0.999000006.
// t = 2: m = 0.05 - 0.3 * 0.1 = 0.02, v = 0.00025 + (0.0625 - 0.00025) * 0.001 = 0.00031225,
//        alpha = 1e-3 sqrt(1 - 0.998001) / 0.19 = 2.35316727e-4,
//        w -= 0.02 * 2.35316727e-4 / (sqrt(0.00031225) + 1e-7) = 2.66335532e-4, w = 0.998733671.
// AdamW, weight_decay 0.5: w = 1 - 1e-3 * 0.5 * 1 - 9.99993675e-4 = 0.998500006.
TEST(UpdateGolden, Adam) {
  for (const auto update : {adam_update, reference_adam_update}) {
    One one;
    AdamRule step;
    EXPECT_FLOAT_EQ(one.step(update, step, 0.5F), 0.999000006F);
    EXPECT_FLOAT_EQ(one.state1[0], 0.05F);
    EXPECT_FLOAT_EQ(one.state2[0], 0.00025F);
    step.iteration = 2;
    EXPECT_FLOAT_EQ(one.step(update, step, -0.25F), 0.998733671F);
    EXPECT_FLOAT_EQ(one.state1[0], 0.02F);
    EXPECT_FLOAT_EQ(one.state2[0], 0.00031225F);

    One decayed;
    AdamRule adamw;
    adamw.weight_decay = 0.5F;
    EXPECT_FLOAT_EQ(decayed.step(update, adamw, 0.5F), 0.998500006F);
  }
}

template <class F>
std::string message_of(const F& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    return error.what();
  }
  return "no error";
}

TEST(UpdateErrors, LengthsMustAgree) {
  std::vector<float> three(3);
  std::vector<float> two(2);
  std::vector<std::uint16_t> low(2);
  const std::string message = "arrays of 3 and 2 numbers where equal ones belong";
  EXPECT_EQ(message_of([&] { sgd_update({}, {three, two, {}, {}, {}}); }), message);
  EXPECT_EQ(message_of([&] { sgd_update({}, {three, three, {}, {}, low}); }), message);
  EXPECT_EQ(message_of([&] { adam_update({}, {three, three, three, two, {}}); }), message);
  EXPECT_EQ(message_of([&] { to_bfloat16(three, low); }), message);
  EXPECT_EQ(message_of([&] {
              sgd_update({0.1F, 0.9F, false, 0}, {three, three, {}, {}, {}});
            }),
            "arrays of 3 and 0 numbers where equal ones belong");
}

}  // namespace
}  // namespace lapel::kernels
