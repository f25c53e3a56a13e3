// A Dense layer on all that a chain on pixels gives, against the plain layers one after another, for each instruction
// set; and its update in passing against the update of stored gradients, bit by bit.

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <span>
#include <vector>

#include "base/threads.h"
#include "kernels/dense_chain/chain_layers.h"
#include "kernels/dense_chain/chains.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "kernels/trained_operator.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using testing::chain;
using testing::expect_close;
using testing::on_pixels;
using testing::OperatorData;
using testing::OperatorResult;
using testing::optimizers;
using testing::Pixels;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;
using testing::TrainedOperator;

struct Case {
  std::int64_t batch;
  std::int64_t places;
  std::vector<std::int64_t> chain;
  std::int64_t outputs;
};

DenseOnPixelsOp op_of(const Case& one, ActivationKind activation = ActivationKind::kRelu, bool bias = true) {
  return {on_pixels(chain(one.places, one.chain)), {1, one.places * one.chain.back(), one.outputs, bias, activation}};
}

OperatorResult run_fast(const DenseOnPixelsOp& op, const BuildOptions& options, const OperatorData& data,
                        const StepState& state, int threads) {
  const ThreadScope scope(threads);
  return run_operator(*make_operator(op, options), op, options, data, state);
}

constexpr Dtype kDtypes[] = {Dtype::kFloat32, Dtype::kBfloat16};

class DenseOnPixels : public testing::EachTarget {
 protected:
  static void compare(const Case& one, ActivationKind activation = ActivationKind::kRelu, bool bias = true,
                      std::span<const Dtype> dtypes = kDtypes) {
    const DenseOnPixelsOp op = op_of(one, activation, bias);
    for (const Dtype dtype : dtypes) {
      for (const bool training : {true, false}) {
        SCOPED_TRACE(::testing::Message() << "batch " << one.batch << ", " << one.places << " places of "
                                          << one.chain.back() << ", " << one.outputs << " outputs, bytes "
                                          << dtype_bytes(dtype) << (training ? ", training" : ", evaluation"));
        const BuildOptions options{one.batch, training, true, dtype, {}};
        const OperatorData data = random_operands(op, one.batch);
        const Pixels pixels(one.batch, one.places);
        const OperatorResult alone = run_fast(op, options, data, pixels.state, 1);
        EXPECT_TRUE(alone == run_fast(op, options, data, pixels.state, 2)) << "other bits on two threads";
        EXPECT_TRUE(alone == run_fast(op, options, data, pixels.state, 3)) << "other bits on three threads";
        expect_close(alone, run_reference(op, options, data, pixels.state), dtype == Dtype::kFloat32 ? 2e-5 : 2e-2);
      }
    }
  }
};

TEST_P(DenseOnPixels, AgreesWithReference) {
  compare({1, 16, {1, 16}, 1});
  compare({3, 17, {1, 16}, 10});
  compare({33, 49, {1, 7, 32}, 16}, ActivationKind::kLinear);
  compare({40, 21, {1, 32, 32}, 70}, ActivationKind::kRelu, false);
  compare({34, 18, {1, 48}, 33});
  compare({35, 16, {1, 3, 64}, 130}, ActivationKind::kLinear);
}

// In bfloat16 without a relu behind it: some of many sums near zero are on its other side when rounded otherwise.
TEST_P(DenseOnPixels, OfSomeHundredPlacesAndRows) {
  const std::span dtypes = kDtypes;
  compare({130, 144, {1, 32, 32}, 100}, ActivationKind::kRelu, true, dtypes.first(1));
  compare({130, 144, {1, 32, 32}, 100}, ActivationKind::kLinear, true, dtypes.last(1));
}

// What pixels of a piece become lies on a line; and there are few pieces, or the layer would have to multiply as often.
TEST_P(DenseOnPixels, PiecesAreLines) {
  const DenseOnPixelsOp op = op_of({0, 16, {1, 32, 32}, 10});
  for (const bool training : {true, false}) {
    const BuildOptions options{1, training, true, Dtype::kFloat32, {}};
    const OperatorData data = random_operands(op, 1);
    PixelTable table(op.chain, options, false);
    std::vector<float> scratch(table.scratch_bytes() / sizeof(float));
    std::vector<const void*> weights;
    for (std::size_t i = 0; i < 4; ++i) {
      weights.push_back(data.weights[i].data());
    }
    table.bind(weights, {}, scratch.data());
    std::vector<float> numbers(kPixelValues * 32);
    table.forward(numbers.data());
    std::array<std::uint8_t, kPixelValues> pieces{};
    table.number_pieces(pieces);
    EXPECT_EQ(pieces[0], 0);
    EXPECT_GE(pieces[255], 2);
    EXPECT_LT(pieces[255], 100);
    for (std::size_t value = 1; value + 1 < kPixelValues; ++value) {
      EXPECT_LE(pieces[value] - pieces[value - 1], 1);
      for (std::size_t k = 0; k < 32 && pieces[value - 1] == pieces[value + 1]; ++k) {
        const float mean = (numbers[(value - 1) * 32 + k] + numbers[(value + 1) * 32 + k]) / 2;
        EXPECT_NEAR(numbers[value * 32 + k], mean, 1e-5) << "pixel " << value << ", number " << k;
      }
    }
  }
}

TEST_P(DenseOnPixels, AFewPicturesAreEvaluatedAsMany) {
  const DenseOnPixelsOp op = op_of({0, 49, {1, 32}, 70});
  constexpr std::int64_t kMany = 33;
  const Pixels many(kMany, 49);
  const auto all =
      run_fast(op, {kMany, false, true, Dtype::kFloat32, {}}, random_operands(op, kMany), many.state, 2).output;
  for (const std::size_t few : {1U, 2U, 30U, 31U, 32U}) {
    StepState state = many.state;
    state.samples = state.samples.first(few);
    const BuildOptions options{static_cast<std::int64_t>(few), false, true, Dtype::kFloat32, {}};
    const OperatorData data = random_operands(op, options.batch);
    expect_close(run_fast(op, options, data, state, 2).output,
                 {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(few) * 70}, 1e-5, "output");
  }
}

TEST_P(DenseOnPixels, UpdatesInPassingAsAfterwards) {
  for (const Dtype dtype : kDtypes) {
    for (const Case& one : {Case{5, 17, {1, 16}, 33}, Case{40, 20, {1, 7, 32}, 10}, Case{150, 16, {1, 64}, 130}}) {
      for (const auto& rules : optimizers()) {
        for (const int threads : {1, 2}) {
          const ThreadScope scope(threads);
          const DenseOnPixelsOp op = op_of(one, ActivationKind::kRelu, one.batch != 40);
          const BuildOptions options{one.batch, true, false, dtype, {}};
          const Pixels pixels(one.batch, one.places);
          TrainedOperator fused(make_operator(op, options), op, options, pixels.state);
          TrainedOperator stored(make_operator(op, options), op, options, pixels.state);
          fused.run(rules, true);
          stored.run(rules, false);
          fused.expect_equal(stored);
        }
      }
    }
  }
}

// More than 8 MB of weights are fetched ahead, and written past the caches.
TEST_P(DenseOnPixels, UpdatesFromMemoryAsAfterwards) {
  const ThreadScope threads(2);
  for (const Dtype dtype : kDtypes) {
    const Case one{5, dtype == Dtype::kFloat32 ? 784 : 1568, {1, 32}, 120};
    const DenseOnPixelsOp op = op_of(one);
    const Pixels pixels(one.batch, one.places);
    for (const UpdateRule& rule : {UpdateRule(SgdRule{0.1F, 0.9F, true, 0.01F}), UpdateRule(AdamRule{})}) {
      const BuildOptions options{one.batch, true, false, dtype, {}};
      TrainedOperator fused(make_operator(op, options), op, options, pixels.state);
      TrainedOperator stored(make_operator(op, options), op, options, pixels.state);
      fused.run({rule, rule}, true);
      stored.run({rule, rule}, false);
      fused.expect_equal(stored);
    }
  }
}

TEST_P(DenseOnPixels, ANotANumberReachesTheOutput) {
  const DenseOnPixelsOp op = op_of({0, 16, {1, 16}, 20});
  for (const std::int64_t batch : {4, 40}) {
    OperatorData data = random_operands(op, batch);
    data.weights[2][7] = std::numeric_limits<float>::quiet_NaN();  // From the first number to output 7.
    data.weights[1][0] = 5;                                        // Which is not zero.
    const Pixels pixels(batch, 16);
    for (const Dtype dtype : kDtypes) {
      const auto output = run_fast(op, {batch, false, true, dtype, {}}, data, pixels.state, 1).output;
      for (std::size_t i = 0; i < output.size(); ++i) {
        EXPECT_EQ(std::isnan(output[i]), i % 20 == 7) << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, DenseOnPixels, testing::all_targets(), testing::target_name());

TEST(DenseOnPixelsErrors, SayWhatDoesNotFit) {
  const auto error_of = [](const DenseOnPixelsOp& op, const BuildOptions& options) -> std::string {
    try {
      static_cast<void>(make_operator(op, options));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string expected =
      "dense_on_pixels: this layer does not follow a chain on pixels, or its weights are stored in another layout\n"
      "  input  272        outputs  10";
  DenseOnPixelsOp op = op_of({0, 17, {1, 16}, 10});
  EXPECT_EQ(error_of(op, {}), "");
  BuildOptions stored;
  stored.stored_layouts = {WeightLayout::plain({272, 10})};
  EXPECT_EQ(error_of(op, stored), expected);
  op.chain.pixel_scale.reset();
  EXPECT_EQ(error_of(op, {}), expected);
}

}  // namespace
}  // namespace lapel::kernels
