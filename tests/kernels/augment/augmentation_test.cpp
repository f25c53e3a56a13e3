// The operators that change each picture by itself. Those that mix pictures are in mixing_test.cpp.

#include "kernels/augment/augmentation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/threads.h"
#include "kernels/batch.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"

namespace lapel::kernels {
namespace {

using testing::Batch;
using testing::OperatorData;
using testing::OperatorResult;
using testing::options_for;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;
using Numbers = std::vector<float>;

constexpr std::int64_t kRows = 40;
constexpr std::array kFills = {FillMode::kConstant, FillMode::kReflect, FillMode::kWrap, FillMode::kNearest};

/// Runs the fast and the plain operator on the same pictures; tolerances 0: every bit. No gradient is asked for.
void compare(const Op& op, std::int64_t size, double tolerance = 0, double low_tolerance = 0) {
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    for (const bool training : {true, false}) {
      SCOPED_TRACE(::testing::Message() << describe(op).name << ", bytes " << dtype_bytes(dtype) << ", training "
                                        << training);
      BuildOptions options = options_for(kRows, dtype, training);
      options.training = false;
      const Batch rows(kRows, size, training);
      const OperatorData data = random_operands(op, kRows);
      const auto tested = make_operator(op, options);
      const OperatorResult actual = run_operator(*tested, op, options, data, rows.state);
      const OperatorResult expected = run_reference(op, options, data, rows.state);
      if (tolerance == 0) {
        EXPECT_TRUE(actual == expected);
      }
      testing::expect_close(actual, expected, dtype == Dtype::kFloat32 ? tolerance : low_tolerance);
      const bool as_it_was = dtype == Dtype::kFloat32 && actual.output == data.inputs[0];
      EXPECT_EQ(as_it_was, dtype == Dtype::kFloat32 && !training);
    }
  }
}

/// What `op` makes of one picture in training; of sample `sample` in epoch `epoch`.
Numbers changed(const Op& op, const Numbers& picture, std::uint32_t sample = 0, std::uint32_t epoch = 1) {
  const std::vector<std::uint32_t> samples{sample};
  StepState state;
  state.samples = samples;
  state.epoch = epoch;
  state.training = true;
  const BuildOptions options = options_for(1, Dtype::kFloat32, false);
  const auto tested = make_operator(op, options);
  return run_operator(*tested, op, options, {{picture}, {}, {}}, state).output;
}

TEST(Augmentation, FlipIsExact) {
  for (const std::int64_t channels : {1, 3}) {
    const Shape in = Shape::image(channels, 5, 7);
    for (const bool alternating : {false, true}) {
      compare(RandomFlipOp{in, true, false, 1, alternating}, in.size());
      compare(RandomFlipOp{in, false, true, 2, alternating}, in.size());
      compare(RandomFlipOp{in, true, true, 3, alternating}, in.size());
    }
  }
}

TEST(Augmentation, AnAlternatingFlipChangesItsSideEveryEpoch) {
  const RandomFlipOp op{Shape::image(1, 1, 3), true, false, 0, true};
  std::int64_t mirrored = 0;
  for (std::uint32_t sample = 0; sample < 1000; ++sample) {
    const bool first = changed(op, {1, 2, 3}, sample, 1) == Numbers{3, 2, 1};
    mirrored += first ? 1 : 0;
    for (std::uint32_t epoch = 2; epoch < 6; ++epoch) {
      ASSERT_EQ(changed(op, {1, 2, 3}, sample, epoch) == (Numbers{3, 2, 1}), first == (epoch % 2 == 1));
    }
  }
  EXPECT_NEAR(static_cast<double>(mirrored), 500, 5 * std::sqrt(250.0));
}

class Translation : public testing::EachTarget {};

TEST_P(Translation, AgreesWithThePlainOne) {
  for (const std::int64_t channels : {1, 3}) {
    for (const Shape& in : {Shape::image(channels, 9, 8), Shape::image(channels, 3, 37)}) {
      for (const FillMode fill : kFills) {
        // Moves by whole places copy; means of four are made in float.
        compare(RandomTranslationOp{in, {-0.5, 0.5}, {-1, 1}, fill, 0.25F, false, 1}, in.size());
        compare(RandomTranslationOp{in, {-0.5, 0.5}, {-1, 1}, fill, 0.25F, true, 1}, in.size(), 2e-6, 0.004);
        compare(RandomTranslationOp{in, {-0.2, 0.2}, {0, 0.2}, fill, 0.25F, true, 1}, in.size(), 2e-6, 0.004);
      }
    }
  }
}

/// Tables of steps say which kernels are vectorised.
TEST(Augmentation, SaysHowItIsComputed) {
  const Shape in = Shape::image(1, 8, 6);
  const auto how = [](const Op& op) {
    return make_operator(op, options_for(kRows, Dtype::kFloat32))->implementation();
  };
  EXPECT_EQ(how(RandomTranslationOp{in, {-0.5, 0.5}, {-1, 1}}).substr(0, 8), "highway:");
  EXPECT_EQ(how(RandomFlipOp{in}), "rows");
  EXPECT_EQ(how(RandomErasingOp{in}), "rows");
}

INSTANTIATE_TEST_SUITE_P(All, Translation, testing::all_targets(), testing::target_name());

/// What one picture of 3 x 4 becomes, moved by these shares of its height and width.
Numbers moved(std::array<double, 2> shares, FillMode fill, bool bilinear = true) {
  return changed(
      RandomTranslationOp{Shape::image(1, 3, 4), {shares[0], shares[0]}, {shares[1], shares[1]}, fill, 9, bilinear},
      {1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13});
}

/// numpy.pad's names for the same: "symmetric" is Keras's "reflect", "edge" its "nearest".
TEST(Augmentation, TranslationsByHand) {
  EXPECT_EQ(moved({0, 0}, FillMode::kConstant), (Numbers{1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13}));
  EXPECT_EQ(moved({1.0 / 3, 0}, FillMode::kConstant, false), (Numbers{9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(moved({0, 0.5}, FillMode::kConstant), (Numbers{9, 9, 1, 2, 9, 9, 5, 6, 9, 9, 10, 11}));
  EXPECT_EQ(moved({0, 0.5}, FillMode::kReflect), (Numbers{2, 1, 1, 2, 6, 5, 5, 6, 11, 10, 10, 11}));
  EXPECT_EQ(moved({0, -0.5}, FillMode::kReflect), (Numbers{3, 4, 4, 3, 7, 8, 8, 7, 12, 13, 13, 12}));
  EXPECT_EQ(moved({0, 0.5}, FillMode::kWrap), (Numbers{3, 4, 1, 2, 7, 8, 5, 6, 12, 13, 10, 11}));
  EXPECT_EQ(moved({0, 0.5}, FillMode::kNearest), (Numbers{1, 1, 1, 2, 5, 5, 5, 6, 10, 10, 10, 11}));
  EXPECT_EQ(moved({0, 0.125}, FillMode::kConstant),
            (Numbers{5, 1.5, 2.5, 3.5, 7, 5.5, 6.5, 7.5, 9.5, 10.5, 11.5, 12.5}));
}

class Affine : public testing::EachTarget {};

TEST_P(Affine, AgreesWithThePlainOne) {
  for (const std::int64_t channels : {1, 3}) {
    for (const Shape& in : {Shape::image(channels, 9, 8), Shape::image(channels, 3, 37)}) {
      for (const FillMode fill : kFills) {
        for (const bool bilinear : {true, false}) {
          // Nearest numbers are the same ones; means of four are made in float.
          const double tolerance = bilinear ? 2e-6 : 0;
          const double low = bilinear ? 0.004 : 0;
          compare(RandomAffineOp{in, {-0.5, 0.5}, {}, {}, false, fill, 0.25F, bilinear, 1}, in.size(), tolerance, low);
          compare(RandomAffineOp{in, {}, {-0.9, 1}, {-0.5, 0.2}, false, fill, 0.25F, bilinear, 2}, in.size(), tolerance,
                  low);
          compare(RandomAffineOp{in, {0.1, 0.2}, {0.5, 0.6}, {}, true, fill, 0.25F, bilinear, 3}, in.size(), tolerance,
                  low);
        }
      }
    }
  }
}

TEST_P(Affine, IsTheSameForAnyNumberOfThreads) {
  const Shape in = Shape::image(3, 11, 9);
  const Op op = RandomAffineOp{in, {-0.1, 0.1}, {-0.2, 0.2}, {-0.2, 0.2}, false, FillMode::kReflect, 0, true, 1};
  const OperatorData data = random_operands(op, 101);
  const Batch rows(101, in.size());
  const auto result = [&](int threads) {
    const ThreadScope scope(threads);
    BuildOptions options = options_for(101, Dtype::kBfloat16);
    options.training = false;
    const auto tested = make_operator(op, options);
    return run_operator(*tested, op, options, data, rows.state);
  };
  const OperatorResult serial = result(1);
  EXPECT_TRUE(result(2) == serial);
  EXPECT_TRUE(result(3) == serial);
}

INSTANTIATE_TEST_SUITE_P(All, Affine, testing::all_targets(), testing::target_name());

/// A picture rotated by this share of a full turn, counter-clockwise, and zoomed.
Numbers rotated(const Shape& in, double turn, const Numbers& picture, double zoom = 0, bool bilinear = true) {
  return changed(RandomAffineOp{in, {turn, turn}, {zoom, zoom}, {zoom, zoom}, false, FillMode::kConstant, 9, bilinear},
                 picture);
}

TEST(Augmentation, RotationsAndZoomsByHand) {
  const Shape square = Shape::image(1, 3, 3);
  const Numbers numbers{1, 2, 3, 4, 5, 6, 7, 8, 10};
  EXPECT_EQ(rotated(square, 0, numbers), numbers);
  EXPECT_EQ(rotated(square, 0.25, numbers), (Numbers{3, 6, 10, 2, 5, 8, 1, 4, 7}));
  EXPECT_EQ(rotated(square, -0.25, numbers), (Numbers{7, 4, 1, 8, 5, 2, 10, 6, 3}));
  EXPECT_EQ(rotated(square, 0.5, numbers), (Numbers{10, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(rotated(Shape::image(1, 1, 4), 0.5, {1, 2, 3, 4}), (Numbers{4, 3, 2, 1}));
  EXPECT_EQ(rotated(Shape::image(1, 1, 4), 0.25, {1, 2, 3, 4}, 0, false), (Numbers{9, 3, 9, 9}))
      << "a line rotated upright stands half a place from the picture's; such a place counts as the next";
  EXPECT_EQ(rotated(square, 0, numbers, 1), (Numbers{9, 9, 9, 9, 5, 9, 9, 9, 9})) << "half as large";
  EXPECT_EQ(rotated(square, 0, numbers, -0.5), (Numbers{3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7.25})) << "twice as large";
}

TEST(Augmentation, ErasingIsExact) {
  for (const std::int64_t channels : {1, 3}) {
    const Shape in = Shape::image(channels, 9, 7);
    compare(RandomErasingOp{in, {0, 1}, {0.02, 0.33}, true, 0, 1}, in.size());
    compare(RandomErasingOp{in, {1, 1}, {0.5, 1}, true, 0, 2}, in.size());
    compare(RandomErasingOp{in, {1, 1}, {0.1, 0.9}, false, 0.5F, 3}, in.size());
  }
}

TEST(Augmentation, ErasesAsOftenAndAsMuchAsItSays) {
  const Shape in = Shape::image(1, 100, 60);
  double erased = 0;
  double area = 0;
  for (std::uint32_t sample = 0; sample < 4000; ++sample) {
    const RandomStream random{1, RandomPurpose::kAugment, 0, 1, sample};
    const Box box = draw_erasing({in, {0.2, 0.8}, {0.04, 0.25}}, random);
    if (box.places() == 0) {
      continue;
    }
    erased += 1;
    area += static_cast<double>(box.places()) / 6000;
    ASSERT_GE(box.top, 0);
    ASSERT_GE(box.left, 0);
    ASSERT_LE(box.bottom, 100);
    ASSERT_LE(box.right, 60);
    ASSERT_NEAR(static_cast<double>(box.bottom - box.top), 35, 16);
    ASSERT_NEAR(static_cast<double>(box.right - box.left), 21, 10);
  }
  EXPECT_NEAR(erased / 4000, 0.5, 0.04);
  const double side = (std::pow(0.25, 1.5) - std::pow(0.04, 1.5)) / 1.5 / 0.21;  // the mean of sqrt(u)
  EXPECT_NEAR(area / erased, side * side, 0.01);
  EXPECT_EQ(draw_erasing({in, {0, 0}}, {1, RandomPurpose::kAugment, 0, 1, 7}).places(), 0);
  EXPECT_EQ(draw_erasing({in, {1, 1}, {1, 1}}, {1, RandomPurpose::kAugment, 0, 1, 7}).places(), 6000);
}

TEST(Augmentation, NoiseIsNormalAndCut) {
  EXPECT_EQ(erasing_noise(0), 0);
  EXPECT_EQ(erasing_noise(0xFFFFFFFF), 1);
  for (std::uint64_t bits = 0; bits < 1ULL << 32U; bits += 12345677) {
    const float value = erasing_noise(static_cast<std::uint32_t>(bits));
    const double share = (static_cast<double>(bits) + 0.5) * 0x1p-32;
    if (value > 0 && value < 1) {
      ASSERT_NEAR(0.5 * std::erfc(-static_cast<double>(value) / std::sqrt(2.0)), share, 2e-7) << bits;
    } else {
      ASSERT_TRUE(value == 0 ? share <= 0.5 : share >= 0.8413447) << bits;
    }
  }
}

TEST(Augmentation, BeforeItsFirstEpochPicturesStay) {
  const Shape in = Shape::image(3, 9, 7);
  const auto starting = [](Op op, std::uint32_t epoch) {
    std::visit(
        [epoch](auto& one) {
          if constexpr (requires { one.start_epoch; }) {
            one.start_epoch = epoch;
          }
        },
        op);
    return op;
  };
  for (const Op& op :
       {Op(RandomFlipOp{in, true, true, 1}), Op(RandomFlipOp{in, true, true, 1, true}),
        Op(RandomTranslationOp{in, {0.3, 0.4}, {0.3, 0.4}, FillMode::kReflect, 0, true, 1}),
        Op(RandomAffineOp{in, {0.1, 0.2}, {0.1, 0.2}, {0.1, 0.2}, false, FillMode::kReflect, 0, true, 1}),
        Op(RandomErasingOp{in, {1, 1}, {0.5, 1}, true, 0, 1})}) {
    SCOPED_TRACE(describe(op).name);
    const Numbers picture = testing::random_numbers(static_cast<std::size_t>(in.size()), 7);
    bool differs = false;
    for (std::uint32_t sample = 0; sample < 8; ++sample) {
      EXPECT_EQ(changed(starting(op, 3), picture, sample, 1), picture);
      EXPECT_EQ(changed(starting(op, 3), picture, sample, 2), picture);
      const Numbers third = changed(starting(op, 3), picture, sample, 3);
      EXPECT_EQ(third, changed(op, picture, sample, 3));
      differs = differs || third != picture;
    }
    EXPECT_TRUE(differs);
  }
}

TEST(Augmentation, EachPartOfTheAddressChangesIt) {
  const auto draw = [](std::uint64_t seed, std::uint32_t unit, std::uint32_t epoch, std::uint32_t sample) {
    const AffineDraw one =
        draw_affine({Shape::image(1, 9, 9), {-0.5, 0.5}}, {seed, RandomPurpose::kAugment, unit, epoch, sample});
    return std::pair(one.x_x, one.x_y);
  };
  EXPECT_EQ(draw(1, 2, 3, 4), draw(1, 2, 3, 4));
  EXPECT_NE(draw(1, 2, 3, 4), draw(9, 2, 3, 4));
  EXPECT_NE(draw(1, 2, 3, 4), draw(1, 9, 3, 4));
  EXPECT_NE(draw(1, 2, 3, 4), draw(1, 2, 9, 4));
  EXPECT_NE(draw(1, 2, 3, 4), draw(1, 2, 3, 9));
}

}  // namespace
}  // namespace lapel::kernels
